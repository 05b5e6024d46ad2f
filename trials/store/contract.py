"""What a store promises; the tests hold every kind of database to this page.

**Studies.** A study has a name, ``[A-Za-z0-9][A-Za-z0-9._-]{0,99}``, unique in its database, and
keeps what it was created with for good, except for its number of trials, which may grow, and
shrink as far as trials were asked for. An unknown name is an `InputError` that says the nearest
known one.

**Trials.** Trials of a study are numbered from 0 without gaps, never more of them than the study
asks for, and no digest occurs twice. A trial is waiting or running until it is finished, once, as
complete, stopped or failed; finished trials never change again. ``begin`` writes it as running,
together with the proposals refused since the last call; ``again`` hands an open trial out once
more and counts the attempt; ``give_back`` makes running trials wait.

**Measurements.** There is one measurement for each trial and epoch. Training is deterministic, so
a repeated epoch measures the same: the first measurement is kept, and writing it again changes
nothing. Only finite numbers are taken. A trial's own accuracy, loss and seconds are those of its
highest epoch.

**Fronts.** Every front that ever was is kept with its hypervolume. ``finish`` writes outcome and
front in one transaction; each finished trial refers to the front after it. Members are complete
trials by strictly ascending parameters and accuracy.

**Files.** With the front, ``finish`` writes which file holds the weights of the new member, and
strikes those of trials that the front has lost; the files themselves are the caller's. A database
names files by their path in the runs folder, with their SHA-256.

**Lease.** At most one process drives a study: it acquires the lease, by the database's clock, for
some seconds. Everything a lease holder writes is refused once the lease is someone else's, and
prolongs the lease when less than half of it is left; between writes `renewed` does so. A lease
that is over, or stolen, may be acquired by the next.

**All or nothing.** Each method is one transaction: after a crash its effect is there entirely or
not at all. A call that returned is on the disk. On PostgreSQL a lost connection makes the store
carry out the method again, for as long as its patience lasts, and never twice.

**Counts.** The counts of a study (trials by state, refused proposals, epochs, seconds) are kept up
to date by the same transactions, so reading them costs the same at a million trials as at ten.
So do the front and the best under a budget: they read the members of one front.

**Times** are the database's, in UTC. **Integers** fit 64 bits with sign; epochs, trials and counts
fit 32. **Text** is kept as it is, but for NUL and lone surrogates, which are replaced.

**Failures.** `LostDatabaseError` if the database cannot be reached, is locked for longer than the
store's patience, or full; `StorageError` if it has another schema; `DamagedDataError` if what it
holds cannot be read; `StudyBusyError` if someone else drives the study; `InputError` for every
other breach of this page. No message holds a password.
"""
