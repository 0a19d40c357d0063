"""Reserved words of ADQL, which need quotes as names."""

from __future__ import annotations

# ADQL 2.1, section 2.1.2: words of SQL-92, of ADQL, and names of its functions. Names of published
# columns depend on this list (:func:`adqlite.tables.names.regular_name`), so no word may be removed
# although the grammar here does not need most of them.
_WORDS = """
abs absolute acos action add all allocate alter and any are area as asc asin assertion at atan
atan2 authorization avg begin between bit bit_and bit_length bit_not bit_or bit_xor both box by
cascade cascaded case cast catalog ceiling char char_length character character_length check
circle close coalesce collate collation column commit connect connection constraint constraints
contains continue convert corresponding cos cot count create cross current current_date
current_time current_timestamp current_user cursor date day deallocate decimal declare default
deferrable deferred degrees delete desc describe descriptor diagnostics disconnect distance
distinct domain double drop else end endexec escape except exception exec execute exists exp
external extract false fetch first float floor for foreign found from full get global go goto
grant group having hour identity ilike immediate in indicator initially inner input insensitive
insert int integer intersect intersects interval into is isolation join key language last leading
left level like local log log10 lower match max min minute mod module month names national natural
nchar next no not null nullif numeric octet_length of offset on only open option or order outer
output overlaps pad partial pi point polygon position power precision prepare preserve primary
prior privileges procedure radians rand read real references relative restrict revoke right
rollback round rows schema scroll second section select session session_user set sin size smallint
some space sql sqlcode sqlerror sqlstate sqrt substring sum system_user table tan temporary then
time timestamp timezone_hour timezone_minute to top trailing transaction translate translation
trim true truncate union unique unknown update upper usage user using value values varchar varying
view when whenever where with work write year zone
"""
RESERVED = frozenset(_WORDS.split())
