"""The reads of Dataverse's native, access and search APIs that its clients make.

With them KM3NeT's own code and ``pyDataverse`` read data sets, their versions and files here
(https://guides.dataverse.org/en/6.3/api/). Records are data sets of one Dataverse, ``:root``.
"""
