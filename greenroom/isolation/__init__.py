"""What keeps an environment from acting on the world: live keys are found before anything runs."""
