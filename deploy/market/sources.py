"""The source files by which producers find the simulated portals."""

from pathlib import Path


def source_files(base: str, archive: Path) -> dict[str, str]:
    """File name to TOML text; the portals are polled every few seconds, which no real host would be."""
    pace = "requests_per_second = 500.0\nallow_loopback = true\n"
    return {
        f"{archive.name.split('.', 1)[0]}.toml": (
            f'kind = "file"\nname = "{archive.name.split(".", 1)[0]}"\npath = "{archive.absolute()}"\narchive = true\n'
            "settle = 0.0\n"  # it is renamed into place whole
        ),
        "portail-a.toml": f'kind = "rss"\nname = "portail-a"\nurl = "{base}/portal-a/feed.xml"\ninterval = 2.0\n{pace}',
        "portail-b.toml": (
            f'kind = "jsonld"\nname = "portail-b"\nurl = "{base}/portal-b/sitemap.xml"\ninterval = 3.0\n{pace}'
        ),
        "portail-c.toml": (
            f'kind = "json"\nname = "portail-c"\nurl = "{base}/portal-c/api/jobs"\ninterval = 3.0\n{pace}'
            'items = "data.jobs"\n\n[mapping]\nsource_id = "id"\ntitle = "title"\ncompany = "company.name"\n'
            'city = "place.city"\ndescription = "body"\ncontract_raw = "contract"\nsalary_raw = "salary"\n'
            'experience_raw = "experience"\nstatus = "state"\n\n[paging]\nparameter = "page"\nlast = "data.pages"\n'
        ),
        "agence.toml": (
            f'kind = "file"\nname = "agence"\nurl = "{base}/agency/"\npattern = "offres-*"\ninterval = 4.0\n{pace}'
        ),
        "agence-demandes.toml": (
            f'kind = "file"\nname = "agence-demandes"\nurl = "{base}/agency/"\npattern = "demandes-*"\n'
            f'side = "seeker"\ninterval = 4.0\n{pace}\n'
            '[mapping]\nsource_id = "ref"\ntitle = "metier"\ncity = "ville"\ndescription = "texte"\n'
            'experience_raw = "experience"\nstatus = "statut"\n'
        ),
    }
