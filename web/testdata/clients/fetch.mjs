// Node's fetch against /v1/entities: whole and streamed bodies, kept connections, many
// requests at once, and a request that is given up.

import assert from 'node:assert/strict'

const url = process.argv[2] + '/v1/entities'
const texts = ['Angela Merkel went to Hamburg.', '', 'Ada 😀 and <b>Grace</b> met in Zürich.', 'Paris. '.repeat(2000)]

async function ask(body, type = 'application/json', more = {}) {
  const r = await fetch(url, { method: 'POST', body, headers: { 'Content-Type': type }, ...more })
  assert.equal(r.status, 200)
  return r
}

const whole = JSON.stringify({ texts, offsets: 'utf16' })
const { results } = await (await ask(whole)).json()
results.forEach(({ ents }, i) => {
  assert.ok(ents.length > 0 || texts[i] === '')
  for (const e of ents) assert.equal(texts[i].slice(e.start, e.end), e.text)
})

for (const r of await Promise.all(Array.from({ length: 50 }, () => ask(whole)))) {
  assert.deepEqual((await r.json()).results, results)
}

const { readable, writable } = new TransformStream()
const answer = ask(readable, 'application/x-ndjson', { duplex: 'half' })
const writer = writable.getWriter()
const many = Array.from({ length: 200 }, (_, i) => i % texts.length)
for (const i of many) await writer.write(new TextEncoder().encode(JSON.stringify({ text: texts[i] }) + '\n'))
await writer.close()
const lines = (await (await answer).text()).trim().split('\n').map((line) => JSON.parse(line))
assert.equal(lines.length, many.length)
lines.forEach((line, n) => assert.deepEqual(line.ents.map((e) => e.text), results[many[n]].ents.map((e) => e.text)))

// A request that is given up disturbs no other.
const given = new AbortController()
const up = ask(whole, 'application/json', { signal: given.signal })
given.abort()
await assert.rejects(up, { name: 'AbortError' })
assert.deepEqual((await (await ask(whole)).json()).results, results)
