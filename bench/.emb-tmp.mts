import { createEmbedded } from "../local/embedded-session.ts";
import { EmbeddedInstance } from "../local/embedded-instance.ts";
import { loadPlan } from "../lib/plan/compile.ts";
const cpu = () => { const u = process.cpuUsage(); return (u.user+u.system)/1e6; };
async function t<T>(what: string, work: () => Promise<T>): Promise<T> { const c=cpu(), s=performance.now(); const v=await work(); console.log(what.padEnd(40), "wall", ((performance.now()-s)/1000).toFixed(2), "cpu", (cpu()-c).toFixed(2)); return v; }
const loaded = await t("load plan", () => loadPlan("sql/knowledge-graph"));
const first = await t("first embedded (initdb)", () => createEmbedded());
await first.close();
const second = await t("second embedded", () => createEmbedded());
const blob = await t("dump empty", () => second.dumpDataDir("none"));
console.log("empty bytes", blob.size);
for (const q of ["show wal_level","show full_page_writes","show fsync","show wal_segment_size","show max_wal_size","show min_wal_size","show wal_init_zero","show wal_recycle", "show synchronous_commit", "show autovacuum"]) console.log(q, Object.values((await second.query(q)).rows[0] as object)[0]);
const inst = await t("from baseline", () => EmbeddedInstance.fromBaseline("o", loaded.local!.baseline, loaded.plan.extensions.map((e) => e.name)));
const d = await t("dump", () => inst.dump());
console.log("bytes", d.size);
const text = Buffer.from(await d.arrayBuffer());
// tar: sum by top dir
const sums: Record<string, [number, number]> = {};
for (let o=0;o<text.length;) { const name=text.subarray(o,o+100).toString().replace(/\0.*/s,""); if(!name) break; const size=parseInt(text.subarray(o+124,o+136).toString(),8)||0; const k=name.split("/").slice(0,2).join("/").replace(/\d+$/,"N"); (sums[k]??=[0,0]); sums[k][0]+=size; sums[k][1]++; o+=512+Math.ceil(size/512)*512; }
console.log(sums);
const two = await t("load", () => EmbeddedInstance.load("o", d));
await t("vectors+index", () => two.withSession(async (s) => { await s.exec("CREATE TABLE v AS SELECT n id, (SELECT array_agg(sin(n*i)) FROM generate_series(1,256) i)::vector(256) e FROM generate_series(1,3000) n; UPDATE v SET id=id+1; CREATE INDEX ON v USING hnsw (e vector_cosine_ops)"); }));
await t("dump 2", () => two.dump()); process.exit(0);
