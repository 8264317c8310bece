"""Data: files of users, from the upload to a dataset."""
