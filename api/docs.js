const api = await (await fetch('/openapi.json')).json()
const el = (tag, text, cls) => { const e = document.createElement(tag); if (text) e.textContent = text; if (cls) e.className = cls; return e }
const shape = schema => !schema ? '' : schema.$ref ? schema.$ref.split('/').pop() : Array.isArray(schema.type) ? schema.type.filter(t => t !== 'null').map(t => t === 'array' ? shape(schema.items) + '[]' : t).join('|') : schema.type === 'array' ? shape(schema.items) + '[]' : schema.type ?? 'any'
for (const [path, methods] of Object.entries(api.paths)) for (const [method, op] of Object.entries(methods)) {
  const section = el('section'), title = el('h2'); title.append(el('b', method.toUpperCase() + ' '), el('code', path)); section.append(title, el('p', op.summary))
  if (op.description) section.append(el('p', op.description, 'faint'))
  const table = el('table')
  for (const p of op.parameters ?? []) { const tr = el('tr'); tr.append(el('td', p.name), el('td', p.in, 'faint'), el('td', shape(p.schema)), el('td', p.description)); table.append(tr) }
  const answer = Object.values(op.responses?.['200']?.content ?? {})[0]
  if (answer?.schema) { const tr = el('tr'); tr.append(el('td', 'answer'), el('td', '200', 'faint'), el('td', shape(answer.schema))); table.append(tr) }
  section.append(table); document.getElementById('list').append(section)
}
for (const [name, schema] of Object.entries(api.components.schemas)) {
  const section = el('section'); section.append(el('h2', name))
  const table = el('table')
  for (const [field, s] of Object.entries(schema.properties ?? {})) { const tr = el('tr'); tr.append(el('td', field), el('td', shape(s)), el('td', s.description, 'faint')); table.append(tr) }
  section.append(table); document.getElementById('shapes').append(section)
}
document.body.dataset.ready = 'yes'
