"""A made-up news site with the markup, lists and manners of the real one, for trying out and for the tests.

    stories/*.html   what the editors wrote: a few header lines, `---`, the body in its family's markup
    stories          Story, reading those files
    generated        as many more stories as are wanted, the same ones every time
    markup           a story's body as the site's JSON and as its HTML
    boilerplate        what stands around an article and belongs to nobody's archive
    families         whole pages, one function for each page family (static_pages, script_pages)
    lists            list replies and the sitemap
    pictures         small real PNG, JPEG, GIF and WebP files
    faults           what can go wrong on the way, on demand
    site             the site as a whole: a request in, an answer out
    server           the answer over a socket; `python -m demo.server`

Every name, place, company and number is invented.
"""
