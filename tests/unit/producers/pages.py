"""Pages of our own making, in the shapes of real portals."""

from collections.abc import Sequence
from html import escape


def cards(ads: Sequence[tuple[str, str, str, str]], following: str = "") -> bytes:
    """A ReKrute-like list of (id, title, city, company): cards, labels, a banner among them, a next page."""
    items = "".join(
        f"""<li class="post-id" id="{number}"><div><div class="logo"><a href="/societe-{number}.html">
        <img class="photo" src="/logo/{number}" alt="{escape(company)}"></a></div>
        <div class="section"><h2><a class="titreJob" href="/offre-{number}.html">
            {escape(title)} | {escape(city)} (Maroc)   </a></h2>
        <div class="info"><img src="/i.svg"><span>{escape(company)} recherche : {escape(title)}.</span></div>
        <em class="date"><i></i> Publication : du <span>13/04/2026</span> au <span>13/06/2026</span>
          | Postes proposés: <span>3</span></em>
        <div class="info"><ul><!--<li>Type de contrat : CDD</li>-->
          <li>Secteur d'activité : <a href="?s=8">Industrie</a> - <a href="?s=9">Services</a></li>
          <li>Expérience requise : <a href="?e=4"> 3 à 5 ans </a></li>
          <li>Niveau d'étude demandé : <a>Bac +2</a></li>
          <li>Type de contrat proposé : <a>CDI</a> - Télétravail : Non</li></ul></div></div></div></li>
        <li class="banner"><a href="/pub">Déposez votre CV</a></li>"""
        for number, title, city, company in ads
    )
    link = f'<a href="{following}" class="next"></a>' if following else ""
    return (
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Emploi</title></head><body>'
        f'<nav><ul><li><a href="/">Accueil</a></li><li><a href="/cv">CV</a></li></ul></nav>{link}'
        f'<ul class="job-list" id="post-data">{items}</ul></body></html>'
    ).encode()


def table(ads: Sequence[tuple[str, str, str, str]], *, twice: bool = True) -> bytes:
    """An ANAPEC-like table of (reference, title, openings, place); its UTF-8 was decoded once too often."""
    logo = '<img src="/logo" alt="Ménara pas de logo">'
    rows = "".join(
        f'<tr><td><input type="checkbox" value="{number}"></td><td><a href="/fr/bloc_offre/{reference}/resultat">'
        f"{reference}</a></td><td>03/07/2026</td><td>{escape(title)} </td><td>{openings}</td>"
        f"<td>{'-' if number % 2 else logo}</td><td>{place}  </td></tr>"
        for number, (reference, title, openings, place) in enumerate(ads)
    )
    shown = (
        f"""<h1>Nos dernières offres</h1><a href="/chercheurs/page:2"><span id="suivant">Suivant</span></a>
        <table id="myTable"><thead><tr><th></th><th>Réference</th><th>Date</th><th>Intitulé</th><th>Nombre</th>
        <th>Entreprise</th><th>Lieu</th></tr></thead><tbody><form>{rows}</form></tbody></table>"""
        if ads
        else ""
    )
    text = (
        '<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>Offres d’emploi</title></head><body>'
        f'<form id="ChercheurMltConserveForm">{shown}</form><p>Agréée</p></body></html>'
    )
    return text.encode().decode("latin-1").encode() if twice else text.encode()


def competitions() -> bytes:
    """An emploi-public-like list: Arabic with French beside it, one competition in French alone."""
    return """<!doctype html><html dir="rtl" lang="ar"><head><meta charset="utf-8"><title>المباريات</title></head><body>
    <ul class="concours-list">
    <li class="concours-item" data-id="c-101" lang="ar"><h2><a href="/ar/concours/101"><span lang="ar">مباراة توظيف
      تقنيين من
      الدرجة الثالثة</span><span lang="fr">Techniciens de 3ème grade</span></a></h2>
      <p>الإدارة المنظمة : جماعة فاس</p><p>مكان التعيين : فاس</p>
      <dl><dt>تاريخ النشر</dt><dd>04/05/2026</dd><dt>آخر أجل لإيداع الترشيحات</dt><dd>20/05/2026</dd></dl>
      <span class="postes">12 منصب</span></li>
    <li class="concours-item" data-id="c-102" lang="fr"><h2><a href="/fr/concours/102">Ingénieurs d'Etat</a></h2>
      <p>Administration : Ministère de l'Equipement</p><p>Lieu d'affectation : Rabat</p>
      <dl><dt>Date de publication</dt><dd>05/05/2026</dd><dt>Date limite</dt><dd>25/05/2026</dd></dl>
      <span class="postes">4 postes</span></li></ul></body></html>""".encode()


MICRODATA = """<html><head><title>Chef de chantier</title></head><body>
<ol itemscope itemtype="https://schema.org/BreadcrumbList"><li itemprop="itemListElement" itemscope
  itemtype="https://schema.org/ListItem"><span itemprop="name">Emploi</span></li></ol>
<article itemscope itemtype="https://schema.org/JobPosting">{closed}
<h1 itemprop="title">Chef de chantier</h1><meta itemprop="datePosted" content="2026-05-04">
<span itemprop="hiringOrganization" itemscope itemtype="https://schema.org/Organization">par
  <a href="/e"><span itemprop="name">Atlas BTP</span></a></span>
<a itemprop="jobLocation" itemscope itemtype="https://schema.org/Place"><span itemprop="address" itemscope
  itemtype="https://schema.org/PostalAddress"><span itemprop="addressLocality">Oujda</span>
  <meta itemprop="addressCountry" content="MA"></span></a>
<span itemprop="baseSalary" itemscope itemtype="https://schema.org/MonetaryAmount">
  <meta itemprop="currency" content="MAD">
  <span itemprop="value" itemscope itemtype="https://schema.org/QuantitativeValue">
  <meta itemprop="value" content="9000"><meta itemprop="unitText" content="MONTH"></span></span>
<span itemprop="description"><p>Suivre le <b>chantier</b>.</p></span>{end}</body></html>"""
"""A page of one JobPosting; `closed` and `end` say where its element ends."""
