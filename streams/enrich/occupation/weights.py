"""What each kind of evidence for an occupation weighs: `coder` reads it out of a posting, `rating` adds it up."""

from typing import NamedTuple


class Weights(NamedTuple):
    """What each kind of evidence weighs.

    Chosen by reasoning and checked on three sets (coded postings, two taxonomies' labels, English titles): none of them
    moves a figure by .02 when it is changed by a third.
    """

    head: float = 1.1
    """Factor of the word that a title turns on: the first in French and Arabic, the last in English."""
    head_least: float = 2.0
    """Least rarity that counts for a head: "technicien" stands everywhere and decides the major group."""
    whole: float = 0.05
    """Added to the score of the longest lexicon title that the query holds whole where it turns: "directeur
    commercial" in "directeur commercial secteur nettoyage"."""
    headless: float = 0.7
    """Factor of the score of a lexicon title that turns on another word than the title read."""
    soft: float = 0.3
    """Factor, in a lexicon title, of a word that is noise in most titles."""
    unexplained: float = 0.4
    """Cost of a query's words that a lexicon title leaves unexplained, against its own words not found."""
    later: float = 0.35
    """Factor of the segments around the one that names the job, where they name another."""
    qualifier: float = 0.7
    """The same where they name none, and so say more of the first."""
    sector: float = 0.6
    """Factor of the words of the sector field."""
    employer: float = 0.6
    """Factor of the words of the employer's name."""
    described: float = 0.6
    """Factor of the first words of the description."""
    sought: float = 0.7
    """Factor of the words of the description that say who is sought."""
    sharpness: float = 12.0
    """How fast a group's mass grows with its score."""
    floor: float = 0.42
    """Score at which a group weighs as much as all that the lexicon does not know."""
    anonymous: float = 0.2
    """How much higher that score is for words of which none names a job by itself."""
    within: float = 7.0
    """How fast a unit group's share in the mass of the groups above it grows with its own score."""
    words: float = 0.5
    """How much the likelihood of the words counts where no lexicon title explains any of the query."""
    explained: float = 0.05
    """The same where one explains all of it: many titles share a word with it ("agent"), and weigh together."""
    circumstance: float = 0.3
    """Factor, in that likelihood, of the words around a title, and of words that are noise in most titles."""
    fading: tuple[float, ...] = (1.0, 1.0, 0.9, 0.8, 0.7, 0.6)
    """Factor of a segment's words by their distance from the one that it turns on: what comes late qualifies."""
    elsewhere: float = 1.5
    """How much likelier "not elsewhere classified" is where a title names no more than the group."""
    unsure: float = 0.6
    """Mass of the likeliest unit group below which the groups above it have a say, and the description is asked."""
