"""Portals that the connectors were not made for: markup, names and pages drawn by seed, around ads that are known."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import format_datetime
from html import escape
from random import Random
from urllib.parse import urlencode

from aiohttp import web

from tests.integration.producers.unlike_ads import CITIES_FR, Ad, date_writer, draw_ads


@dataclass
class Unlike:
    """A portal: its ads, how it writes a date, the address that one is given, and what it serves by path and query."""

    kind: str
    seed: int
    ads: list[Ad]
    written: Callable[[date], str]
    entry: str
    serve: Callable[[web.Request], web.Response]
    tells: frozenset[str] = frozenset({"title", "city", "day"})
    base: str = ""
    requests: list[str] = field(default_factory=list)


# --- HTML lists ------------------------------------------------------------------------------------------------------

CLASSES = {
    "french": {"list": "liste-offres", "item": "offre", "title": "intitule", "place": "lieu", "date": "date-publication", "company": "societe", "body": "resume", "meta": "infos"},
    "english": {"list": "jobs", "item": "job-card", "title": "job-title", "place": "location", "date": "posted", "company": "company", "body": "teaser", "meta": "meta"},
    "hashed": {"list": "css-k3l2j", "item": "sc-9fj2a1", "title": "css-1ab9", "place": "css-77qx", "date": "css-0p2m", "company": "css-zz41", "body": "css-5tt", "meta": "css-e4r"},
    "bootstrap": {"list": "row", "item": "col-md-12 card", "title": "h5 card-title", "place": "text-muted", "date": "small text-secondary", "company": "fw-bold", "body": "card-text", "meta": "card-subtitle"},
    "none": dict.fromkeys(("list", "item", "title", "place", "date", "company", "body", "meta"), ""),
}  # fmt: skip
LABELS = {
    "fr": {"place": ("Ville", "Lieu", "Localisation", "Lieu de travail"), "date": ("Publié le", "Date", "Date de publication", "Mise en ligne"), "company": ("Société", "Entreprise", "Employeur")},
    "ar": {"place": ("المدينة", "مكان العمل", "الموقع"), "date": ("تاريخ النشر", "نشر في", "التاريخ"), "company": ("الشركة", "المؤسسة")},
    "en": {"place": ("Location", "City", "Job location"), "date": ("Posted", "Published", "Date posted"), "company": ("Company", "Employer")},
}  # fmt: skip
NEXT = {
    "fr": ("Suivant", "Page suivante", "»", "Suivant ›"),
    "ar": ("التالي", "الصفحة التالية"),
    "en": ("Next", "Next page", ">"),
}
READ = {"fr": "Voir l'offre", "ar": "المزيد", "en": "Apply now"}


def attr(names: dict[str, str], part: str) -> str:
    """A class attribute, where the style has one."""
    return f' class="{names[part]}"' if names[part] else ""


def html_list(seed: int) -> Unlike:
    """A list in HTML pages."""
    draw = Random(seed)
    language = draw.choice(("fr", "fr", "fr", "ar", "en"))
    ads = draw_ads(draw, language, draw.randrange(30, 60))
    written = date_writer(draw, language)
    names = CLASSES[draw.choice(list(CLASSES))]
    labels = {part: draw.choice(found) for part, found in LABELS[language].items()}
    frame = draw.choice(("ul", "div", "article", "table", "table", "grid", "card-link", "dl"))
    where = draw.choice(("own", "icon", "label", "meta", "title", "own"))
    when = draw.choice(("own", "time", "label", "meta", "prefix"))
    heading = draw.choice(("h2", "h3", "h4", "div"))
    separator = draw.choice((" | ", " - ", " · ", " • ", " – "))
    company = draw.choice(("own", "label", "none", "logo"))
    body = draw.random() < 0.5
    banner = draw.random() < 0.4
    stripes = draw.random() < 0.4
    paging = draw.choice(("rel", "class", "text", "numbers", "path", "offset", "one"))
    size = len(ads) if paging == "one" else draw.choice((8, 10, 15, 20))
    if frame in {"table", "dl"} and where in {"title", "meta"}:
        where = "own"
    if frame in {"table"} and when in {"meta"}:
        when = "own"

    def bits(ad: Ad) -> tuple[str, dict[str, str]]:
        title = ad.title
        if where == "title":
            title = f"{title}{separator}{ad.city}" if separator != " · " else f"{title} ({ad.city})"
        found: dict[str, str] = {}
        if company == "own":
            found["company"] = f"<span{attr(names, 'company')}>{escape(ad.company)}</span>"
        elif company == "label":
            found["company"] = f"<p>{labels['company']} : {escape(ad.company)}</p>"
        elif company == "logo":
            found["company"] = f'<img src="/logo/{ad.number}.png" alt="{escape(ad.company)}">'
        day = written(ad.day)
        if where == "own":
            found["place"] = f"<span{attr(names, 'place')}>{ad.city}</span>"
        elif where == "icon":
            found["place"] = f'<div><i class="fa fa-map-marker"></i> {ad.city}</div>'
        elif where == "label":
            found["place"] = f"<p><b>{labels['place']}</b> : {ad.city}</p>"
        if when == "own":
            found["date"] = f"<span{attr(names, 'date')}>{day}</span>"
        elif when == "time":
            found["date"] = f'<time datetime="{ad.day.isoformat()}">{day}</time>'
        elif when == "label":
            found["date"] = f"<p>{labels['date']} : <em>{day}</em></p>"
        elif when == "prefix":
            found["date"] = f"<div{attr(names, 'date')}>{labels['date']} {day}</div>"
        line = [ad.company]
        line += [ad.city] if where == "meta" else []
        line += [day] if when == "meta" else []
        if len(line) > 1:
            found["meta"] = f"<div{attr(names, 'meta')}>{escape(separator.join(line))}</div>"
        return escape(title), found

    def block(ad: Ad, index: int) -> str:
        title, found = bits(ad)
        link = f"/{'annonce' if language == 'fr' else 'job'}/{ad.number}-{ad.number * 3}"
        item = names["item"] + ((" odd" if index % 2 else " even") if stripes and names["item"] else "")
        cls = f' class="{item}"' if item else ""
        text = f"<p{attr(names, 'body')}>{escape(ad.text)}</p>" if body else ""
        rest = "".join(found.values()) + text
        if frame == "table":
            cells = [f'<td><a href="{link}">{title}</a></td>']
            cells += [f"<td>{found.get(part, '')}</td>" for part in ("company", "place", "date")]
            return f"<tr{cls}>{''.join(cells)}</tr>"
        if frame == "card-link":
            return f'<a href="{link}"{cls}><{heading}{attr(names, "title")}>{title}</{heading}>{rest}</a>'
        if frame == "dl":
            pairs = [(labels["place"], ad.city), (labels["date"], written(ad.day)), (labels["company"], ad.company)]
            listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
            return f'<div{cls}><{heading}><a href="{link}">{title}</a></{heading}><dl>{listed}</dl>{text}</div>'
        head = f'<{heading}{attr(names, "title")}><a href="{link}">{title}</a></{heading}>'
        tail = f'<a href="{link}" class="btn">{READ[language]}</a>' if index % 1 == 0 and seed % 3 == 0 else ""
        tag = {"ul": "li", "div": "div", "article": "article", "grid": "div"}[frame]
        return f"<{tag}{cls}>{head}{rest}{tail}</{tag}>"

    def page(number: int) -> str:
        shown = ads[(number - 1) * size : number * size]
        blocks = [block(ad, index) for index, ad in enumerate(shown)]
        if banner and frame not in {"table"}:
            blocks.insert(min(2, len(blocks)), '<div class="pub"><a href="/pub">Publicité</a></div>')
        joined = "".join(blocks)
        if frame == "ul":
            joined = f"<ul{attr(names, 'list')}>{joined}</ul>"
        elif frame == "table":
            heads = "".join(
                f"<th>{text}</th>"
                for text in (
                    "Poste" if language != "ar" else "المنصب",
                    labels["company"],
                    labels["place"],
                    labels["date"],
                )
            )
            joined = f"<table{attr(names, 'list')}><thead><tr>{heads}</tr></thead><tbody>{joined}</tbody></table>"
        elif frame == "grid":
            joined = "".join(
                f'<div class="ligne">{"".join(blocks[at : at + 3])}</div>' for at in range(0, len(blocks), 3)
            )
        else:
            joined = f"<div{attr(names, 'list')}>{joined}</div>"
        last = -(-len(ads) // size)
        cities = "".join(
            f'<li><a href="/ville/{n}">Emploi {city} ({n * 7 + 3})</a></li>' for n, city in enumerate(CITIES_FR[:9])
        )
        menu = "".join(
            f'<li><a href="/{word}">{word.title()}</a></li>' for word in ("accueil", "offres", "cv", "contact")
        )
        return (
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Emploi</title></head><body>'
            f"<header><nav><ul>{menu}</ul></nav></header><aside><ul>{cities}</ul></aside><main>{joined}"
            f"{pages(number, last)}</main><footer><ul>{menu}</ul><p>© 2026</p></footer></body></html>"
        )

    def address(number: int) -> str:
        if paging == "path":
            return f"/offres/page/{number}"
        if paging == "offset":
            return f"/offres?{urlencode({'tri': 'date', 'start': (number - 1) * size})}"
        return f"/offres?{urlencode({'q': '', 'p': number})}"

    text = draw.choice(NEXT[language])

    def pages(number: int, last: int) -> str:
        if paging == "one":
            return ""
        numbers = "".join(
            f'<li><a href="{escape(address(n))}">{n}</a></li>' if n != number else f"<li><b>{n}</b></li>"
            for n in range(1, min(last, 6) + 1)
        )
        following = ""
        if number < last:
            link = escape(address(number + 1))
            following = {
                "rel": f'<a rel="next" href="{link}">{text}</a>',
                "class": f'<li class="pager__next"><a href="{link}">&gt;&gt;</a></li>',
                "text": f'<a href="{link}">{text}</a>',
            }.get(paging, "")
        return f'<ul class="pager">{numbers}{following}</ul>'

    def serve(request: web.Request) -> web.Response:
        number = 1
        if paging == "path" and request.path.startswith("/offres/page/"):
            number = int(request.path.rsplit("/", 1)[1])
        elif paging == "offset":
            number = int(request.query.get("start", "0")) // size + 1
        else:
            number = int(request.query.get("p", "1"))
        if not request.path.startswith("/offres"):
            return web.Response(status=404)
        return web.Response(text=page(number), content_type="text/html", charset="utf-8")

    return Unlike("html", seed, ads, written, "/offres", serve)


# --- Feeds -----------------------------------------------------------------------------------------------------------


def feed(seed: int) -> Unlike:
    """An RSS or Atom feed whose place and date stand somewhere of its own."""
    draw = Random(seed)
    language = draw.choice(("fr", "ar", "en"))
    ads = draw_ads(draw, language, draw.randrange(20, 60))
    atom = draw.random() < 0.4
    where = draw.choice(
        ("job:location", "ville", "emp:lieu", "category", "label", "title", "dc:coverage", "g:location")
    )
    when = draw.choice(("usual", "usual", "dc:date", "label", "job:datePublication"))
    written = (
        (lambda day: day.isoformat()) if when in {"dc:date", "job:datePublication"} else date_writer(draw, language)
    )
    labels = {part: draw.choice(found) for part, found in LABELS[language].items()}
    separator = draw.choice((" - ", " | ", " – "))
    encoding = draw.choice(("utf-8", "utf-8", "windows-1256" if language == "ar" else "iso-8859-1"))

    def noon(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    def entry(ad: Ad) -> str:
        title = f"{ad.title}{separator}{ad.city}" if where == "title" else ad.title
        about = [escape(ad.text)]
        about += [f"{labels['place']} : {ad.city}"] if where == "label" else []
        about += [f"{labels['company']} : {escape(ad.company)}"]
        about += [f"{labels['date']} : {written(ad.day)}"] if when == "label" else []
        description = escape("<p>" + "</p><p>".join(about) + "</p>")
        extra = f"<{where}>{ad.city}</{where}>" if ":" in where or where == "ville" else ""
        extra += f"<{when}>{written(ad.day)}</{when}>" if ":" in when else ""
        if atom:
            extra += f'<category term="{ad.city}"/>' if where == "category" else ""
            stamp = noon(ad.day).isoformat()
            extra += f"<published>{stamp}</published><updated>{stamp}</updated>" if when == "usual" else ""
            return (
                f"<entry><title>{escape(title)}</title><id>tag:p,{ad.number}</id><link href='/o/{ad.number}'/>"
                f"<summary type='html'>{description}</summary>{extra}</entry>"
            )
        extra += f"<category>{ad.city}</category>" if where == "category" else ""
        extra += f"<pubDate>{format_datetime(noon(ad.day))}</pubDate>" if when == "usual" else ""
        return (
            f"<item><title>{escape(title)}</title><guid isPermaLink='false'>{ad.number}</guid>"
            f"<link>http://portal.example/o/{ad.number}</link><description>{description}</description>{extra}</item>"
        )

    spaces = (
        'xmlns:job="urn:x:job" xmlns:emp="urn:x:emploi" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:g="http://base.google.com/ns/1.0"'
    )
    inner = "".join(entry(ad) for ad in ads)
    if atom:
        text = f'<feed xmlns="http://www.w3.org/2005/Atom" {spaces}><title>Jobs</title><id>x</id>{inner}</feed>'
    else:
        text = f'<rss version="2.0" {spaces}><channel><title>Jobs</title><link>/</link>{inner}</channel></rss>'
    body = f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding, "xmlcharrefreplace")

    def usual(day: date) -> str:
        return noon(day).isoformat() if atom else format_datetime(noon(day))

    def serve(request: web.Request) -> web.Response:
        if request.path != "/flux":
            return web.Response(status=404)
        return web.Response(body=body, headers={"Content-Type": "text/xml"})

    return Unlike("feed", seed, ads, usual if when == "usual" else written, "/flux", serve)


# --- JSON APIs -------------------------------------------------------------------------------------------------------


def api(seed: int) -> Unlike:
    """A JSON API with names, nesting and paging of its own."""
    draw = Random(seed)
    language = draw.choice(("fr", "ar", "en"))
    ads = draw_ads(draw, language, draw.randrange(40, 120))
    shape = draw.choice(("flat-fr", "flat-en", "nested", "jsonapi", "feed", "camel", "hal", "edges"))
    paging = draw.choice(("page", "page0", "offset", "cursor", "link", "next", "none"))
    size = len(ads) if paging == "none" else draw.choice((10, 20, 25))
    stamp = draw.choice(("iso", "epoch", "date"))

    def written(day: date) -> str:
        at = datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC)
        return {"iso": at.isoformat(), "epoch": str(int(at.timestamp())), "date": day.isoformat()}[stamp]

    def value(day: date) -> str | int:
        return int(written(day)) if stamp == "epoch" else written(day)

    def item(ad: Ad) -> dict[str, object]:
        link = f"https://portal.example/o/{ad.number}"
        return {
            "flat-fr": {"reference": f"R{ad.number}", "intitule": ad.title, "ville": ad.city, "entreprise": ad.company, "datePublication": value(ad.day), "descriptif": ad.text, "lien": link, "vues": ad.number % 90},
            "flat-en": {"id": ad.number, "job_title": ad.title, "city": ad.city, "company": ad.company, "posted_at": value(ad.day), "description": ad.text, "url": link, "expires_at": "2026-08-01"},
            "nested": {"id": ad.number, "position": {"title": ad.title, "body": ad.text}, "employer": {"name": ad.company, "id": 4}, "workplace": {"address": {"city": ad.city, "country": "MA"}}, "created": value(ad.day), "links": {"self": link}},
            "jsonapi": {"type": "jobs", "id": str(ad.number), "attributes": {"name": ad.title, "location": ad.city, "published-at": value(ad.day), "organisation": ad.company, "content": ad.text}},
            "feed": {"id": str(ad.number), "title": ad.title, "date_published": value(ad.day), "content_html": f"<p>{ad.text}</p>", "url": link, "_job": {"place": ad.city, "employer": ad.company}},
            "camel": {"jobId": ad.number, "headline": ad.title, "jobLocations": [{"cityName": ad.city}], "hiringCompany": ad.company, "publicationDate": value(ad.day), "jobDescription": ad.text},
            "hal": {"uuid": f"{ad.number:08x}-aa", "libelle": ad.title, "lieu": {"libelle": ad.city}, "dateCreation": value(ad.day), "employeur": {"nom": ad.company}},
            "edges": {"node": {"id": ad.number, "title": ad.title, "locations": [ad.city], "listedAt": value(ad.day), "company": {"name": ad.company}}},
        }[shape]  # fmt: skip

    def wrapped(items: list[dict[str, object]], number: int, url: str) -> object:
        last = -(-len(ads) // size)
        more = number < last
        meta: dict[str, object] = {}
        if paging in {"page", "page0"}:
            meta = {"page": number - (paging == "page0"), "pages": last}
        elif paging == "offset":
            meta = {"total": len(ads), "offset": (number - 1) * size}
        elif paging == "cursor":
            meta = {"next_cursor": f"c{number + 1}" if more else None}
        elif paging == "next":
            meta = {"next": f"{url}?page={number + 1}" if more else None}
        match shape:
            case "flat-fr":
                return {"offres": items, **meta}
            case "flat-en":
                return items if paging in {"none", "link"} else {"results": items, "meta": meta}
            case "jsonapi":
                return {"data": items, "meta": meta, "included": [{"type": "tag", "id": "1"}]}
            case "hal":
                return {"_embedded": {"offres": items}, "page": meta}
            case "edges":
                return {"data": {"jobs": {"edges": items, "pageInfo": meta}}}
        return {"items": items, "filters": [{"id": n, "label": city} for n, city in enumerate(CITIES_FR)], **meta}

    def serve(request: web.Request) -> web.Response:
        if request.path != "/api/offres":
            return web.Response(status=404)
        url = f"http://{request.host}/api/offres"
        query = request.query
        number = {
            "page": int(query.get("page", "1")),
            "page0": int(query.get("page", "0")) + 1,
            "offset": int(query.get("offset", "0")) // size + 1,
            "cursor": int(query.get("cursor", "c1")[1:]),
            "link": int(query.get("page", "1")),
            "next": int(query.get("page", "1")),
            "none": 1,
        }[paging]
        shown = [item(ad) for ad in ads[(number - 1) * size : number * size]]
        answer = web.json_response(wrapped(shown, number, url), dumps=lambda data: json.dumps(data, ensure_ascii=False))
        if paging == "link" and number * size < len(ads):
            answer.headers["Link"] = f'<{url}?page={number + 1}>; rel="next"'
        return answer

    return Unlike("json", seed, ads, written, "/api/offres", serve)


# --- Sitemaps --------------------------------------------------------------------------------------------------------


def site(seed: int) -> Unlike:
    """A sitemap, perhaps of sitemaps, perhaps compressed, whose pages carry a JobPosting in a way of their own."""
    draw = Random(seed)
    language = draw.choice(("fr", "ar", "en"))
    ads = draw_ads(draw, language, draw.randrange(20, 45))
    markup = draw.choice(("plain", "graph", "list", "newlines", "micro", "microclosed", "quotes"))
    index = draw.random() < 0.5
    packed = draw.random() < 0.4
    others = draw.random() < 0.7
    entry = draw.choice(("/sitemap.xml", "/sitemap.xml", "/"))
    folder = draw.choice(("/offre-emploi/", "/jobs/view/", "/annonces/2026/", "/"))

    def path(ad: Ad) -> str:
        return f"{folder}poste-{ad.number}.html" if folder == "/" else f"{folder}{ad.number}-poste"

    pages = {path(ad): ad for ad in ads}

    def body(ad: Ad) -> str:
        if markup.startswith("micro"):
            closed, end = ("</div>", "") if markup == "microclosed" else ("", "</div>")
            return (
                f'<div itemscope itemtype="http://schema.org/JobPosting">{closed}<h1 itemprop="title">{escape(ad.title)}</h1>'
                f'<time itemprop="datePosted" datetime="{ad.day}">{ad.day.day}</time><div itemprop="jobLocation" itemscope '
                'itemtype="http://schema.org/Place"><div itemprop="address" itemscope itemtype="http://schema.org/PostalAddress">'
                f'<span itemprop="addressLocality">{ad.city}</span></div></div>'
                f'<p itemprop="description">{escape(ad.text)}</p>{end}'
            )
        job: dict[str, object] = {
            "@context": "https://schema.org",
            "@type": "JobPosting",
            "title": ad.title,
            "datePosted": ad.day.isoformat(),
            "hiringOrganization": {"@type": "Organization", "name": ad.company},
            "jobLocation": [{"@type": "Place", "address": {"addressLocality": ad.city, "addressCountry": "MA"}}],
            "description": f"<p>{ad.text}</p>",
        }
        data: object = (
            {"@graph": [{"@type": "WebPage"}, job]} if markup == "graph" else [job] if markup == "list" else job
        )
        text = json.dumps(data, ensure_ascii=False)
        if markup == "newlines":
            text = text.replace(". ", ".\n\t", 1)
        if markup == "quotes":
            text = text.replace("<p>", '<p class="x">')
        return f'<script type="application/ld+json">{text}</script><h1>{escape(ad.title)}</h1>'

    urls = [*pages, *(["/", "/contact", "/a-propos", "/blog/conseil-cv", "/blog/salaires"] if others else [])]
    draw.shuffle(urls)

    def listed(base: str) -> str:
        rows = "".join(f"<url><loc>{base}{url}</loc><lastmod>2026-05-01</lastmod></url>" for url in urls)
        return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'

    def serve(request: web.Request) -> web.Response:
        base = f"http://{request.host}"
        if request.path == "/robots.txt":
            return web.Response(text=f"User-agent: *\nDisallow: /admin\nSitemap: {base}/sitemap.xml\n")
        child = "/plan-offres.xml.gz" if packed else "/plan-offres.xml"
        if request.path == "/sitemap.xml" and index:
            inner = f"<sitemap><loc>{base}{child}</loc></sitemap><sitemap><loc>{base}/plan-absent.xml</loc></sitemap>"
            text = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</sitemapindex>'
            return web.Response(text=text, content_type="text/xml")
        if request.path == (child if index else "/sitemap.xml"):
            data = listed(base).encode()
            return web.Response(body=gzip.compress(data) if packed else data, content_type="text/xml")
        if ad := pages.get(request.path):
            return web.Response(
                text=f"<html><head><meta charset='utf-8'></head><body>{body(ad)}</body></html>",
                content_type="text/html",
            )
        if request.path in urls or request.path == "/":
            return web.Response(
                text="<html><body><h1>Bienvenue</h1><p>Rien ici.</p></body></html>", content_type="text/html"
            )
        return web.Response(status=404)

    return Unlike("sitemap", seed, ads, lambda day: day.isoformat(), entry, serve)


KINDS: dict[str, Callable[[int], Unlike]] = {"html": html_list, "feed": feed, "json": api, "sitemap": site}
