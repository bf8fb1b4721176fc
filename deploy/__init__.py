"""The robot side: runtime, safety, recorder, bringup, ROS 2 nodes."""
