// The same request in other languages, and the answer as a file.

// literal returns a string as JSON, Python, JavaScript and Go all read it. Characters
// that cannot be seen, or that change the direction of what follows, are escaped.
function literal(s) {
  return JSON.stringify(s).replace(/[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const list = (strings) => `[${strings.map(literal).join(', ')}]`;

// Each takes the address of /v1/entities, the text, the labels to ask for (null: all), and
// the model to name (null or empty: none). Offsets count what the language counts.
const languages = {
  curl: (url, text, labels, model) => `curl ${url} -H 'Content-Type: application/json' -d @- <<'END'
{"text": ${literal(text)}${labels ? `, "labels": ${list(labels)}` : ''}${model ? `, "model": ${literal(model)}` : ''}}
END
`,
  Python: (url, text, labels, model) => `import requests

answer = requests.post("${url}", json={
    "text": ${literal(text)},${labels ? `\n    "labels": ${list(labels)},` : ''}${model ? `\n    "model": ${literal(model)},` : ''}
})
answer.raise_for_status()
for ent in answer.json()["ents"]:
    print(ent["start"], ent["end"], ent["label"], ent["text"])
`,
  JavaScript: (url, text, labels, model) => `const answer = await fetch("${url}", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({
    text: ${literal(text)},${labels ? `\n    labels: ${list(labels)},` : ''}${model ? `\n    model: ${literal(model)},` : ''}
    offsets: "utf16",
  }),
});
if (!answer.ok) throw new Error(await answer.text());
for (const { start, end, label, text } of (await answer.json()).ents) {
  console.log(start, end, label, text);
}
`,
  Go: (url, text, labels, model) => `package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
)

func main() {
	body, err := json.Marshal(map[string]any{
		"text":    ${literal(text)},${labels ? `\n\t\t"labels":  []string{${labels.map(literal).join(', ')}},` : ''}${model ? `\n\t\t"model":   ${literal(model)},` : ''}
		"offsets": "utf8",
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := http.Post("${url}", "application/json", bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Ents  []struct {
			Text, Label string
			Start, End  int
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		log.Fatal(answer.Error)
	}
	for _, e := range answer.Ents {
		fmt.Println(e.Start, e.End, e.Label, e.Text)
	}
}
`,
};

export const names = ['JSON', ...Object.keys(languages)];

const notes = {
  JSON: 'Offsets count UTF-16 code units.',
  curl: 'Offsets count code points.',
  Python: 'Offsets count code points, as Python does.',
  JavaScript: 'Offsets count UTF-16 code units, as JavaScript does.',
  Go: 'Offsets count bytes of UTF-8, as Go does.',
};

export const note = (name) => notes[name];

// program returns the request in a language, or the answer as JSON. The request names the
// model if there is one.
export function program(name, result, labels, model) {
  if (name !== 'JSON') return languages[name](new URL('v1/entities', location.href.split('#')[0]).href, result.text, labels, model);
  const wanted = labels ? result.ents.filter((e) => labels.includes(e.label)) : result.ents;
  const lines = wanted.map((e) => `    ${JSON.stringify(e, null, 1).replace(/\n\s*/g, ' ')}`);
  return `{\n  "model": ${JSON.stringify(result.model)},\n  "ents": [${lines.length ? `\n${lines.join(',\n')}\n  ` : ''}]\n}\n`;
}

// copy puts a text on the clipboard. Pages of other machines without TLS may only use
// the old way.
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'unseen';
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  focused?.focus();
  if (!done) throw new Error('refused');
}

// page returns the text with its entities as a document of its own, with the styles of
// displaCy. It is built of nodes, so a text cannot become markup.
export function page(entities) {
  const doc = document.implementation.createHTMLDocument('Entities');
  const charset = doc.createElement('meta');
  charset.setAttribute('charset', 'utf-8');
  doc.head.prepend(charset);
  const copied = doc.importNode(entities, true);
  for (const name of copied.getAttributeNames()) copied.removeAttribute(name);
  copied.className = 'entities';
  Object.assign(copied.style, { lineHeight: '2.5', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', fontFamily: 'system-ui, sans-serif' });
  const shown = entities.querySelectorAll('mark');
  copied.querySelectorAll('mark').forEach((e, i) => {
    for (const name of e.getAttributeNames()) e.removeAttribute(name);
    e.className = 'entity';
    Object.assign(e.style, { background: getComputedStyle(shown[i]).backgroundColor, color: '#111', padding: '0.45em 0.6em', margin: '0 0.25em', lineHeight: '1', borderRadius: '0.35em' });
    Object.assign(e.querySelector('.label').style, { fontSize: '0.8em', fontWeight: 'bold', marginLeft: '0.5rem' });
  });
  doc.body.append(copied);
  doc.documentElement.lang = 'en';
  return `<!doctype html>\n${doc.documentElement.outerHTML}\n`;
}

// save gives a file to the person.
export function save(name, type, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
