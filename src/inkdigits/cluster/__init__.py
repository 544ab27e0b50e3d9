"""Many trainings and many images, on as many machines as Ray has."""
