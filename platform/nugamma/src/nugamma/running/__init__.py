"""The same tasks on one machine or on a Dask cluster; scans continue where they stopped."""
