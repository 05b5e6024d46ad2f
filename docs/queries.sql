-- Studies, and how many trials of each ended how
SELECT s.name, s.trials AS wanted, t.complete, t.stopped, t.failed, t.running
FROM kw_study s JOIN kw_tally t ON t.study_id = s.id
ORDER BY s.name;

-- The present front of each study, by parameters
SELECT s.name, t.number, t.params, t.accuracy, t.accuracy_error
FROM kw_study s
JOIN kw_tally y ON y.study_id = s.id
JOIN kw_front_member m ON m.front_id = y.front_id
JOIN kw_trial t ON t.id = m.trial_id
ORDER BY s.name, m.place;

-- The most accurate network of at most 100,000 parameters in each study
SELECT name, number, params, accuracy
FROM (
  SELECT s.name, t.number, t.params, t.accuracy,
         row_number() OVER (PARTITION BY s.id ORDER BY t.accuracy DESC, t.params) AS nth
  FROM kw_study s JOIN kw_trial t ON t.study_id = s.id
  WHERE t.state = 'complete' AND t.params <= 100000
) AS ranked
WHERE nth = 1
ORDER BY name;

-- Learning curves: every measurement, with what promotion decided on it and why
SELECT s.name, t.number, m.epoch, m.accuracy, m.loss, m.seconds,
       m.goes_on, m.reason
FROM kw_measurement m
JOIN kw_trial t ON t.id = m.trial_id
JOIN kw_study s ON s.id = t.study_id
ORDER BY s.name, t.number, m.epoch;

-- Epochs and hours of training that each outcome took
SELECT s.name, t.state, count(*) AS trials, sum(t.epochs) AS epochs,
       sum(t.seconds) / 3600 AS hours
FROM kw_trial t JOIN kw_study s ON s.id = t.study_id
GROUP BY s.name, t.state
ORDER BY s.name, t.state;

-- How hypervolume grew from front to front, and which trial made each
SELECT s.name, f.number, f.trial, f.hypervolume, f.created_at
FROM kw_front f JOIN kw_study s ON s.id = f.study_id
ORDER BY s.name, f.number;

-- Networks that several studies have tried
SELECT t.digest, count(*) AS studies, min(t.params) AS params,
       max(t.accuracy) AS accuracy
FROM kw_trial t
GROUP BY t.digest
HAVING count(*) > 1
ORDER BY accuracy DESC;

-- Audits: networks trained to a longer schedule, beside what their trials reached
SELECT s.name, t.number, t.params, t.epochs, t.accuracy,
       b.schedule_epochs, b.accuracy AS longer
FROM kw_baseline b
JOIN kw_study s ON s.id = b.study_id
JOIN kw_trial t ON t.study_id = b.study_id AND t.digest = b.digest
WHERE b.role = 'audit' AND b.state = 'complete'
ORDER BY s.name, b.schedule_epochs, t.params;

-- Every value that was reported, by name, with its error
SELECT study, trial, epoch, name, value, error
FROM kw_values
ORDER BY study, trial, epoch, name;
