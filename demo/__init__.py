"""A made-up news site with the markup, lists and behaviour of the real one, for trying the project and for tests.

    stories/*.html   what the editors wrote: a few header lines, `---`, the body in its family's markup
    stories          Story, reading those files
    generated        any number of further stories, the same ones every time
    markup           a story's body as the site's JSON and as its HTML
    boilerplate      what is around an article on its page and does not belong in an archive
    families         whole pages, one function for each page family (static_pages, script_pages)
    lists            list replies and the sitemap
    pictures         small real PNG, JPEG, GIF and WebP files
    faults           network and server errors, on demand
    site             the whole site: takes a request, returns an answer
    server           serves the site over HTTP; `python -m demo.server`

Every name, place, company and number is invented.
"""
