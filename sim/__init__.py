"""The arm in MuJoCo: model, batch, randomization, tasks, environments, plants."""
