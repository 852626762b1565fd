"""What has to be there before a container can start: an image, and a machine."""

from __future__ import annotations

from fraudlab.errors import ImageMissing
from fraudlab.rehearsal.work.reasons import NO_CAPACITY, NO_IMAGE, WorkFailed
from fraudlab.rehearsal.work.services import Services


def admitted(
    services: Services, image: str, *, no_image: str = NO_IMAGE, no_capacity: str = NO_CAPACITY
) -> str:
    """The id of a job's image on the local engine.

    Raises
    ------
    WorkFailed
        It is not there, or a fault says that it cannot be pulled, or that there is no machine.
    """
    if services.faults.lacks_capacity():
        raise WorkFailed(no_capacity)
    if services.faults.pull_fails():
        raise WorkFailed(no_image)
    try:
        return services.resolve_image(image)
    except ImageMissing as error:
        raise WorkFailed(no_image) from error
