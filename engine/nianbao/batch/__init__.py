"""Many reports: `driver` is the whole flow, `work` what is done with one, `distribution` who does it."""

from nianbao.batch.driver import SUMMARY, BatchResult, Progress, build
from nianbao.batch.work import Done, Options, Task, process_chunk
from nianbao.manifest import VOIDED

__all__ = [
    "SUMMARY",
    "VOIDED",
    "BatchResult",
    "Done",
    "Options",
    "Progress",
    "Task",
    "build",
    "process_chunk",
]
