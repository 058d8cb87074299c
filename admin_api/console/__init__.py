"""Pages of the operator console beside its lists of rows.

`authplane.core.console_pages` says how one is added; the ones here are imported by
``admin_api.admin``. What a page shows is worked out by a module of its own that knows no request
(`finding`, `inspecting`, `figures`); the view only asks it and fills a template.
"""
