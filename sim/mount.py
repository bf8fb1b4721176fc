"""Mount: add a body where a site is, however the MJCF says where that is."""

from __future__ import annotations

from typing import Any

from forearm.core.errors import MismatchError

ORIENTATION = ("type", "axisangle", "xyaxes", "zaxis", "euler")
"""What an orientation may be written with instead of a quaternion."""


def add_at_site(spec: Any, site_name: str, name: str) -> Any:
    """Return a new body ``name`` with the pose of a site, fixed to the site's body.

    A site of an MJCF that turns it by ``euler``, ``zaxis``, ``xyaxes``, ``axisangle``
    or inside a ``<frame>`` has the quaternion 1 until the model is compiled: taking
    that alone would mount a tool the wrong way round.

    Raises:
        MismatchError: there is no such site.
    """
    site = spec.site(site_name)
    if site is None:
        raise MismatchError("sites of the MJCF", "none", site_name)
    body = site.parent.add_body(name=name, pos=site.pos, quat=site.quat)
    for field in ORIENTATION:
        setattr(body.alt, field, getattr(site.alt, field))
    if site.frame is not None:
        body.set_frame(site.frame)
    return body
