"""The ament package ``forearm_bringup``: launch files and parameters, no modules."""

from glob import glob

from setuptools import setup

NAME = "forearm_bringup"

setup(
    name=NAME,
    version="0.1.0",
    packages=[],
    py_modules=[],
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", sorted(glob("*.launch.py"))),
        (f"share/{NAME}/config", sorted(glob("config/*.yaml"))),
    ],
    zip_safe=False,
    description="Launch files that start the forearm commands",
    license="Apache-2.0",
)
