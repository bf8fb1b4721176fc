"""What every stage agrees on: robot, interface, bundle, log, params."""
