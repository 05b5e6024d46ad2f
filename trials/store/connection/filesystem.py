"""Tells network file systems, on which SQLite's locks cannot be relied on."""

from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
NETWORK = frozenset(
    {
        *("nfs", "nfs3", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre"),
        *("beegfs", "gpfs", "ocfs2", "gfs2"),
        *("fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.ceph"),
    }
)


def network_filesystem(folder: Path, mounts: str | None = None) -> str | None:
    """Return the kind of network file system that holds ``folder``, or None.

    Args:
        folder: an existing folder.
        mounts: table of mounts as Linux writes it; None to read the machine's own. Without one
            (other systems) nothing is known and nothing is refused.
    """
    if mounts is None:
        if not MOUNTS.is_file():
            return None
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace")
    kind, longest = "", -1
    for line in mounts.splitlines():
        _, point, found, *_ = line.split(" ")
        root = Path(_unescaped(point))
        if folder.resolve().is_relative_to(root) and len(root.parts) >= longest:
            kind, longest = found, len(root.parts)
    return kind if kind in NETWORK else None


def _unescaped(point: str) -> str:
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, letter)
    return point
