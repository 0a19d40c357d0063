"""Packets of other missions, built like those that GCN distributed, with their published values."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from lxml import etree

NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v2.0"
Param = tuple[str, str] | tuple[str, str, str]


@dataclass
class Packet:
    """One VOEvent; ``position`` is RA, Dec, radius as written (deg)."""

    ivorn: str
    params: tuple[Param, ...] = ()
    groups: dict[tuple[str, str], tuple[Param, ...]] = field(default_factory=dict)
    time: str = ""
    position: tuple[str, str, str] | None = None
    frame: str = "UTC-FK5-GEO"
    unit: str = "deg"
    names: tuple[str, str] = ("RA", "Dec")
    role: str = "observation"
    name: str = ""
    citations: tuple[tuple[str, str], ...] = ()

    def xml(self) -> bytes:
        text = (
            f'<voe:VOEvent xmlns:voe="{NAMESPACE}" version="2.0" role="{self.role}" '
            f'ivorn="{self.ivorn}"><Who><AuthorIVORN>ivo://example</AuthorIVORN></Who>'
            f"<What>{_params(self.params)}{self._groups()}</What>{self._where()}{self._why()}"
            f"{self._citations()}</voe:VOEvent>"
        )
        return etree.tostring(etree.fromstring(text), xml_declaration=True, encoding="UTF-8")

    def _groups(self) -> str:
        return "".join(
            f"<Group name={quoteattr(name)}{f' type={quoteattr(kind)}' if kind else ''}>"
            f"{_params(params)}</Group>"
            for (name, kind), params in self.groups.items()
        )

    def _where(self) -> str:
        if not self.time:
            return ""
        position = ""
        if self.position is not None:
            first, second, radius = self.position
            position = (
                f'<Position2D unit="{self.unit}"><Name1>{self.names[0]}</Name1>'
                f"<Name2>{self.names[1]}</Name2><Value2><C1>{first}</C1><C2>{second}</C2></Value2>"
                f"<Error2Radius>{radius}</Error2Radius></Position2D>"
            )
        return (
            '<WhereWhen><ObsDataLocation><ObservatoryLocation id="GEOLUN"/><ObservationLocation>'
            f'<AstroCoordSystem id="{self.frame}"/><AstroCoords coord_system_id="{self.frame}">'
            f'<Time unit="s"><TimeInstant><ISOTime>{self.time}</ISOTime></TimeInstant></Time>'
            f"{position}</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>"
        )

    def _why(self) -> str:
        # GCN writes this probability into every packet; it says nothing of the event.
        name = f"<Name>{self.name}</Name>" if self.name else ""
        concept = "<Concept>process.variation.burst;em</Concept>"
        return (
            f'<Why importance="1.0"><Inference probability="1.0">{name}{concept}</Inference></Why>'
        )

    def _citations(self) -> str:
        found = "".join(
            f'<EventIVORN cite="{cite}">{ivorn}</EventIVORN>' for cite, ivorn in self.citations
        )
        return f"<Citations>{found}</Citations>" if found else ""


def _params(params: tuple[Param, ...]) -> str:
    elements = []
    for param in params:
        pairs = zip(("name", "value", "unit"), param, strict=False)
        attributes = " ".join(f"{key}={quoteattr(value)}" for key, value in pairs)
        elements.append(f"<Param {attributes}/>")
    return "".join(elements)


def icecube(stream: str, rev: str, **more: object) -> Packet:
    """IceCube-200615A, GCN/AMON notice 134191_17593623 (15 June 2020), revision 0 and 1."""
    radius90, radius50, ra, dec = {
        "0": ("0.9201", "0.3584", "143.4519", "3.7891"),
        "1": ("1.2199", "0.7199", "142.9499", "3.6600"),
    }[rev]
    flags = (("SubType", "indi"), ("Test", "false"), ("RADec_valid", "false"))
    said = {
        "ivorn": "ivo://nasa.gsfc.gcn/AMON#"
        f"ICECUBE_{stream}_Event2020-06-15T14:49:17.37_24_134191_017593623_{rev}",
        "params": (
            ("Packet_Type", "173"),
            ("Pkt_Ser_Num", "6"),
            ("run_id", "134191"),
            ("event_id", "17593623"),
            ("Rev", rev, "dn"),
            ("signalness", "0.8283", "dn"),
            ("FAR", "0.2894", "yr^-1"),
            ("energy", "496.3637", "TeV"),
            ("src_error_90", radius90, "deg"),
            ("src_error_50", radius50, "deg"),
        ),
        "groups": {("Trigger_ID", ""): (*flags, ("Retraction", "false"))},
        "time": "2020-06-15T14:49:17.37",
        "position": (ra, dec, radius90),
    }
    return Packet(**(said | more))  # type: ignore[arg-type]


def lvk(number: int, kind: str, cited: tuple[str, ...] = (), **more: object) -> Packet:
    """GW190814, S190814bv-5-Update of LIGO and Virgo (15 August 2019), and its siblings."""
    said = {
        "ivorn": f"ivo://gwnet/LVC#S190814bv-{number}-{kind}",
        "params": (
            ("Pkt_Ser_Num", str(number)),
            ("GraceID", "S190814bv"),
            ("AlertType", kind),
            ("HardwareInj", "0"),
            ("Instruments", "H1,L1,V1"),
            ("FAR", "2.03262501422e-33", "Hz"),
            ("Group", "CBC"),
            ("Pipeline", "gstlal"),
        ),
        "groups": {
            ("LALInference.v1", "GW_SKYMAP"): (
                ("skymap_fits", "https://example.org/LALInference.v1.fits.gz"),
            ),
            ("", "Classification"): (("NSBH", "0.99789"), ("MassGap", "0.00211")),
            ("", "Properties"): (("HasNS", "0.997890295359"), ("HasRemnant", "0.0")),
        },
        "time": "2019-08-14T21:10:39.012957",
        "citations": tuple(("supersedes", f"ivo://gwnet/LVC#S190814bv-{one}") for one in cited),
    }
    return Packet(**(said | more))  # type: ignore[arg-type]


def fermi(kind: str, **more: object) -> Packet:
    """Triggers of Fermi-GBM: 336801278 (4 September 2011) located, 526736857 not yet."""
    said = {
        "Flt_Pos": {
            "params": (
                ("TrigID", "336801278"),
                ("Sequence_Num", "45"),
                ("Most_Likely_Prob", "93"),
                ("Coords_String", "source_object"),
            ),
            "time": "2011-09-04T03:54:36.02",
            "position": ("193.0000", "-31.7500", "17.4333"),
        },
        "Alert": {
            "params": (
                ("TrigID", "526736857"),
                ("Sequence_Num", "1"),
                ("Hi_Chan_Energy", "infinity", "keV"),
                ("Coords_String", "unavailable/inappropriate"),
            ),
            "time": "2017-09-10T11:47:32.43",
            "position": ("0.0000", "0.0000", "0.0000"),
        },
    }[kind]
    return Packet(**({"ivorn": f"ivo://nasa.gsfc.gcn/Fermi#GBM_{kind}_1"} | said | more))  # type: ignore[arg-type]


#: Swift trigger 532871, GRB 120907A (7 September 2012).
SWIFT = Packet(
    "ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_532871-729",
    (("TrigID", "532871"), ("Integ_Time", "1.024", "sec"), ("Coords_String", "source_object")),
    {("Solution_Status", ""): (("GRB_Identified", "true"), ("Test_Submission", "false"))},
    time="2012-09-07T00:24:23.08",
    position=("74.741200", "-9.313700", "0.050000"),
    name="GRB 120907",
)
#: A monthly test of the supernova early warning system (18 September 2018): no place on the sky.
SNEWS = Packet(
    "ivo://nasa.gsfc.gcn/SNEWS#Event2018-09-18T16:00:01.00_1000194-580",
    (("TrigID", "1000194"), ("Coords_String", "source_object")),
    {("Trigger_ID", ""): (("Test", "true"),)},
    time="2018-09-18T16:00:01.00Z",
    position=("0.0000", "0.0000", "360.0000"),
    role="test",
)
