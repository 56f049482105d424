"""Files of users: uploaded here, read by blocks as `workspace://<id>`."""
