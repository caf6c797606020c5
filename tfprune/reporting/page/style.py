"""How the page looks: one style sheet, light and dark, from a phone to a desk.

Blue and orange are told apart by readers of every kind of colour vision (after Okabe and
Ito, 2008); wherever a colour means something, a text, a side or a dash says it too.
"""

SHEET = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1b1f24;--soft:#57606a;
--line:#d8dde3;--kept:#0072b2;--gone:#d55e00;--rest:#e4e8ec;--third:#00795c;--fourth:#a2457a;--warn:#fff4e0;
--warn-line:#d98a00}
@media (prefers-color-scheme:dark){:root{--page:#0f1317;--card:#181d23;--ink:#e8ecf0;--soft:#a3adb8;
--line:#323a43;--kept:#56b4e9;--gone:#f0a04b;--rest:#2b333c;--third:#3ec79a;--fourth:#df94bf;
--warn:#2c2413;--warn-line:#e69f00}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:72rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.55rem;line-height:1.25;margin:.4rem 0 .2rem;overflow-wrap:anywhere}
h2{font-size:1.12rem;margin:0 0 .6rem}
p{margin:.2rem 0 .8rem;color:var(--soft);max-width:46rem;overflow-wrap:anywhere}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem 1.1rem;
margin:1rem 0}
.sub{color:var(--soft);margin:0 0 1rem}
ul{list-style:none;margin:0;padding:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:10px;
padding:.7rem .9rem;display:flex;flex-direction:column}
.tiles strong{font-size:1.5rem;line-height:1.3;font-variant-numeric:tabular-nums}
.what,.was{color:var(--soft);font-size:.85rem}
.scroll{overflow-x:auto}.scroll table{min-width:24rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line);
vertical-align:top;overflow-wrap:break-word}
th{color:var(--soft);font-weight:600;overflow-wrap:normal}
.number{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap;padding-right:1rem}
.bars li{display:grid;grid-template-columns:minmax(6rem,14rem) 1fr 8.5rem;gap:.75rem;
align-items:center;padding:.14rem 0;font-size:.9rem}
.bars svg,.strip{width:100%;display:block}
.bars svg{height:.8rem;border-radius:3px}
.label{overflow-wrap:anywhere}
.text{color:var(--soft);font-variant-numeric:tabular-nums}
.rest{fill:var(--rest)}rect.kept{fill:var(--kept)}
.strip{height:2.2rem;margin:.15rem 0}
.strip path{stroke-width:2;fill:none;vector-effect:non-scaling-stroke}
path.kept{stroke:var(--kept)}path.gone{stroke:var(--gone)}
.scored{border-top:1px solid var(--line);padding:.55rem 0}
.scored h3{font-size:.92rem;margin:0;display:flex;flex-wrap:wrap;justify-content:space-between;
gap:0 1rem;font-weight:600;overflow-wrap:anywhere}
.scored h3 span{font-weight:400;color:var(--soft)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(18rem,100%),1fr));gap:1rem}
figure{margin:0;max-width:34rem}
figcaption{font-weight:600;font-size:.95rem}
.lines{width:100%;height:auto}
.grid{stroke:var(--line)}
.tick{fill:var(--soft);font-size:11px}
polyline{fill:none;stroke-width:2}
polyline.first,.first span{stroke:var(--kept);border-color:var(--kept)}
polyline.second,.second span{stroke:var(--gone);stroke-dasharray:6 4;border-color:var(--gone);
border-top-style:dashed}
polyline.third,.third span{stroke:var(--third);stroke-dasharray:2 3;border-color:var(--third);
border-top-style:dotted}
polyline.fourth,.fourth span{stroke:var(--fourth);border-color:var(--fourth)}
circle.first{fill:var(--kept)}circle.second{fill:var(--gone)}circle.third{fill:var(--third)}
circle.fourth{fill:var(--fourth)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.88rem;color:var(--soft)}
.legend span{display:inline-block;width:1.6rem;border-top-width:2.5px;border-top-style:solid;
vertical-align:middle;margin-right:.45rem}
.legend .second span{border-top-style:dashed}.legend .third span{border-top-style:dotted}
.notes li{padding:.2rem 0;overflow-wrap:anywhere}
.warning{background:var(--warn);border-left:4px solid var(--warn-line);border-radius:6px;
padding:.5rem .9rem}
details{margin:.5rem 0}
summary{cursor:pointer;color:var(--kept);font-size:.92rem}
pre{overflow-x:auto;background:var(--page);border:1px solid var(--line);border-radius:6px;
padding:.7rem;font-size:.82rem}
@media (max-width:40rem){.bars li{grid-template-columns:1fr auto;gap:.1rem .75rem;padding:.35rem 0}
.bars svg{grid-column:1/-1;grid-row:2}section{padding:.9rem .85rem}h1{font-size:1.3rem}
.tiles strong{font-size:1.3rem}.scroll table{min-width:0;font-size:.8rem}
th,td{padding-right:.4rem}.number{padding-right:.6rem}
td:nth-child(2):last-child{overflow-wrap:anywhere}}
@media print{body{background:none}section,.tiles li{break-inside:avoid}}
"""
