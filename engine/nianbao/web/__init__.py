"""The local web page and the HTTP service: with the command line the only place that speaks to people.

`app` puts it together; `security` stands before everything; `workspace` holds what was given, in a folder
that is removed; `marking` shows findings in the cells of a report; `api` is the service for office systems.
"""
