const $ = id => document.getElementById(id)
const get = async path => { const r = await fetch(path); if (!r.ok) throw new Error(path + ': ' + r.status); return r }
const json = async path => (await get(path)).json()
// The language is the one that the node's other pages speak, and is kept where they keep it.
const LANGUAGES = ['kk', 'ru', 'en']
let language = [localStorage.getItem('aqsha-language'), ...navigator.languages].map(l => LANGUAGES.find(one => l?.slice(0, 2) === one)).find(l => l) ?? 'kk'
let words = {}
const t = (key, values = {}) => (words[key] ?? '').replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)
async function speak(l) {
  words = await json(`/explorer.${l}.json`); language = l
  document.documentElement.lang = l; document.title = t('title') + ' · Aqsha'; $('language').value = l; $('id').placeholder = t('hint')
  for (const e of document.querySelectorAll('[data-t]')) e.textContent = t(e.dataset.t)
}
// Whole tiyn, of any size: a number of JavaScript loses those above 2^53.
const tenge = tiyn => {
  const n = BigInt(tiyn), digits = String(n < 0n ? -n : n).padStart(3, '0')
  return (n < 0n ? '−' : '') + digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '\u202f') + (language === 'en' ? '.' : ',') + digits.slice(-2) + '\u00a0₸'
}
const when = millis => new Date(Number(millis)).toLocaleString(language === 'en' ? undefined : language)
const cell = (text, n) => { const td = document.createElement('td'); td.textContent = text; if (n) td.className = 'n'; return td }

async function supply() {
  const s = exact(await (await get('/v1/supply')).text())
  $('issued').textContent = tenge(s.issued); $('redeemed').textContent = tenge(s.redeemed); $('live').textContent = tenge(s.live)
  $('tokens').textContent = t('tokens', s)
}
async function blocks() {
  $('blocks').replaceChildren(...(await json('/v1/blocks?limit=10')).map(b => {
    const tr = document.createElement('tr'), root = cell(''), code = document.createElement('code')
    code.textContent = b.root.slice(0, 24) + '…'; root.append(code)
    tr.append(cell(b.height, true), cell(when(b.time_millis)), cell(b.count, true), cell(b.size, true), root)
    return tr
  }))
}
async function cash() {
  const c = exact(await (await get('/v1/banknotes')).text())
  $('cashTitle').hidden = c.offices.length === 0 && BigInt(c.reserve) === 0n
  $('cash').replaceChildren(...c.offices.map(o => {
    const div = document.createElement('div'), p = document.createElement('p'), table = document.createElement('table')
    div.className = 'scroll'; p.className = o.verified ? 'faint' : 'warn'
    p.textContent = o.verified
      ? t('cash-line', {...o, circulating: tenge(o.circulating), waiting: tenge(o.waiting), owed: tenge(o.owed), books: tenge(o.reserve), ledger: tenge(c.reserve)})
      : t('cash-unverified', {origin: o.origin || '?', problem: o.problem})
    div.append(p)
    for (const gap of o.unverified_gaps) { const what = t('gap.' + gap.gap, gap.values); const open = document.createElement('p'); open.className = 'faint'; open.textContent = t('cash-unshown', {what}); div.append(open) }
    if (!o.denominations.length) return div
    const head = table.createTHead().insertRow(), body = table.createTBody()
    for (const key of ['note', 'issued', 'redeemed', 'outstanding', 'worth']) { const th = document.createElement('th'); th.className = 'n'; th.textContent = t(key); head.append(th) }
    for (const d of o.denominations) body.insertRow().append(cell(tenge(d.amount), true), cell(d.issued, true), cell(d.redeemed, true), cell(d.outstanding, true), cell(tenge(d.worth), true))
    div.append(table)
    return div
  }))
}
async function purses() {
  const v = exact(await (await get('/v1/purses')).text()), f = v.figures, lines = []
  $('pursesTitle').hidden = f.open + f.ended === 0 && !(v.bonds ?? []).length
  if ($('pursesTitle').hidden) return
  lines.push(t('purses-open', {...f, locked: tenge(v.locked_tiyn)}))
  lines.push(t('purses-paid', {...f, settled: tenge(f.settled_tiyn)}))
  lines.push(t('purses-fraud', {...f, fraud: tenge(f.fraud_tiyn), bonded: tenge(f.bonded_tiyn)}))
  lines.push(t('purses-names', f))
  const box = $('purses'), div = document.createElement('div')
  box.replaceChildren(...lines.map(text => { const p = document.createElement('p'); p.textContent = text; return p }), div)
  if (!v.convicted.length && !v.opened.length) return
  const table = document.createElement('table'), head = table.createTHead().insertRow(), body = table.createTBody()
  for (const key of ['purse', 'what', 'when']) { const th = document.createElement('th'); th.textContent = t(key); head.append(th) }
  const row = (id, what, when) => { const code = document.createElement('code'), td = cell(''); code.textContent = id; td.append(code); body.insertRow().append(td, cell(what), cell(when)) }
  for (const id of v.convicted) row(id, t('twice'), '')
  for (const o of v.opened) row(o.purse, /^0*$/.test(o.case ?? '') ? t('named') : t('named-case', {case: o.case.slice(0, 16) + '…'}), when(o.time_millis))
  div.className = 'scroll'; div.append(table)
}
async function story() {
  const steps = await json('/v1/story')
  $('storyTitle').hidden = steps.length === 0
  $('story').replaceChildren(...steps.map(s => {
    const li = document.createElement('li'); li.textContent = s.title; li.className = s.state
    return li
  }))
}

// The verifier. Hashes as in RFC 6962, tiles as in C2SP tlog-tiles, checkpoints as signed notes.
const sha256 = async bytes => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
const join = (...parts) => { const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0)); let at = 0; for (const p of parts) { out.set(p, at); at += p.length } return out }
const leafHash = entry => sha256(join([0], entry))
const nodeHash = (l, r) => sha256(join([1], l, r))
const hex = b => [...b].map(x => x.toString(16).padStart(2, '0')).join('')
const unbase64 = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))
const utf8 = text => new TextEncoder().encode(text)

function tilePath(kind, n, width) {
  let parts = [String(n % 1000).padStart(3, '0')]
  for (n = Math.floor(n / 1000); n > 0; n = Math.floor(n / 1000)) parts.unshift('x' + String(n % 1000).padStart(3, '0'))
  return `/tile/${kind}/${parts.join('/')}` + (width < 256 ? `.p/${width}` : '')
}
class Tiles {
  constructor(size) { this.size = size; this.cache = new Map() }
  async tile(level, n) {
    const width = Math.min(256, Math.floor(this.size / 256 ** level) - n * 256), path = tilePath(level, n, width)
    if (!this.cache.has(path)) this.cache.set(path, get(path).then(r => r.arrayBuffer()).then(b => new Uint8Array(b)))
    return this.cache.get(path)
  }
  // The hash of the complete subtree over leaves [n·2^height, (n+1)·2^height).
  async node(height, n) {
    const level = Math.floor(height / 8), rest = 2 ** (height % 8), first = n * rest
    const bytes = await this.tile(level, Math.floor(first / 256))
    let hashes = []
    for (let i = 0; i < rest; i++) { const at = ((first % 256) + i) * 32; hashes.push(bytes.slice(at, at + 32)) }
    while (hashes.length > 1) { const next = []; for (let i = 0; i < hashes.length; i += 2) next.push(await nodeHash(hashes[i], hashes[i + 1])); hashes = next }
    return hashes[0]
  }
  async subtree(from, to) {
    const n = to - from, height = Math.log2(n)
    if (Number.isInteger(height)) return this.node(height, from / n)
    const split = from + 2 ** Math.floor(Math.log2(n - 1))
    return nodeHash(await this.subtree(from, split), await this.subtree(split, to))
  }
  // The root that a leaf at index leads to, by the path of its siblings.
  async climb(leaf, index, from = 0, to = this.size) {
    if (to - from === 1) return leaf
    const split = from + 2 ** Math.floor(Math.log2(to - from - 1))
    return index < split ? nodeHash(await this.climb(leaf, index, from, split), await this.subtree(split, to))
                         : nodeHash(await this.subtree(from, split), await this.climb(leaf, index, split, to))
  }
}
// Entries are CBOR (RFC 8949 section 4.2.1). What the server tells of the genesis and of leaves is written again as the log's bytes:
// where it told anything else, hashes do not fit. Numbers beyond 2^53 are kept exact.
const exact = text => JSON.parse(text.replace(/([:[,]\s*)(\d{16,})(?=\s*[,\]}])/g, '$1"$2"'))
function head(type, n) {
  n = BigInt(n)
  const size = n < 24n ? 0 : n < 1n << 8n ? 1 : n < 1n << 16n ? 2 : n < 1n << 32n ? 4 : 8
  const out = [type << 5 | (size ? 24 + Math.log2(size) : Number(n))]
  for (let i = size - 1; i >= 0; i--) out.push(Number(n >> BigInt(8 * i) & 255n))
  return out
}
const uint = n => head(0, n), bytes = b => [...head(2, b.length), ...b], array = items => [...head(4, items.length), ...items.flat()]
const cborText = t => { const b = utf8(t); return [...head(3, b.length), ...b] }
const unhex = t => { if (!/^([0-9a-f]{2})*$/.test(t)) throw new Error('not hexadecimal'); return Uint8Array.from(t.match(/../g) ?? [], x => parseInt(x, 16)) }
const publicKeyBytes = k => bytes([1, ...unhex(k.replace(/^ed25519:/, ''))])
const encodeLeaf = (l, more = []) => Uint8Array.from(array([uint(0), uint(l.height), uint(l.time_millis), uint(l.count), uint(l.rules), bytes(unhex(l.previous)), uint(l.issued), uint(l.redeemed), uint(l.circulating), ...more]))
const encodeGenesis = g => {
  const p = g.policy, tier = t => array([cborText(t.name), uint(t.payment_most), uint(t.day_most), uint(t.balance_most), uint(t.payments_per_day)])
  const policy = array([array(p.tiers.map(tier)), uint(p.least_token), uint(p.most_inputs), uint(p.most_outputs), uint(p.day_offset_millis), uint(p.valid_ahead_millis), uint(p.rekey_delay_millis), uint(p.snapshot_every), ...(p.definitions_each || p.purposes_each ? [uint(p.definitions_each ?? 0), uint(p.purposes_each ?? 0)] : [])])
  const set = s => array([uint(s.threshold), array(s.keys.map(publicKeyBytes))])
  return encodeLeaf({height: 0, time_millis: g.time_millis, count: 0, rules: g.rules, previous: '00'.repeat(32), issued: 0, redeemed: 0, circulating: 0},
    [array([cborText(g.name), array(g.sets.map(set)), policy, uint(g.daily_cap), uint(g.delay_millis), cborText(g.log_key)])])
}

// The log's key is the one that the genesis names (C2SP signed-note: name, key id, type 1 and the key; or type 0xf1 and what commits to
// the keys of a quorum), until validators change: links show who signs behind each change (docs/FORMATS.md, "Signers"). Whose genesis it
// is, the network's id says, its hash, which the reader has from elsewhere: nothing here is believed because this server says so.
async function keyOf(genesis) {
  const [name, id, ...rest] = genesis.log_key.split('+'), log = await keyFrom(name, unbase64(rest.join('+')))
  if (name !== genesis.name) throw new Error('the genesis names no usable log key')
  if (hex(log.id) !== id) throw new Error('the id of the log’s key is not that of its bytes')
  return log
}
async function keyFrom(name, key) {
  if (key.length !== 33 || (key[0] !== 1 && key[0] !== 0xf1)) throw new Error('the genesis names no usable log key')
  return {name, key, id: (await sha256(join(utf8(name + '\n'), key))).slice(0, 4)}
}
const quorumKey = async (least, keys) => sha256(join(utf8('aqsha quorum v1\n'), [least, keys.length], ...keys))
// Behind a change one validator signs with its own key, several as a quorum of more than two thirds.
const keyOfAll = async (name, keys) => keyFrom(name, keys.length === 1 ? join([1], keys[0]) : join([0xf1], await quorumKey(Math.floor(2 * keys.length / 3) + 1, keys)))
const ed25519 = async (key, text, signature) => crypto.subtle.verify('Ed25519', await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']), signature, utf8(text))
async function quorumSigned(log, text, b) {
  const n = b[1], end = 2 + 32 * n, places = b[end] << 8 | b[end + 1]
  if (!(n >= 1 && n <= 16) || b.length < end + 2 || b[0] < 1 || b[0] > n || places >> n) return false
  const keys = Array.from({length: n}, (_, i) => b.slice(2 + 32 * i, 34 + 32 * i))
  if (hex(await quorumKey(b[0], keys)) !== hex(log.key.slice(1))) return false
  let at = end + 2, count = 0
  for (let i = 0; i < n; i++) {
    if (!(places >> i & 1)) continue
    if (at + 64 > b.length || !await ed25519(keys[i], text, b.slice(at, at + 64))) return false
    at += 64; count++
  }
  return at === b.length && count >= b[0]
}
async function signedBy(log, signed, text) {
  for (const line of signed.slice(text.length + 1).split('\n')) {
    const [dash, name, value] = line.split(' ')
    if (dash !== '—' || name !== log.name || value === undefined) continue
    const b = unbase64(value)
    if (hex(b.slice(0, 4)) !== hex(log.id)) continue
    return log.key[0] === 1 ? b.length === 68 && ed25519(log.key.slice(1), text, b.slice(4)) : quorumSigned(log, text, b.slice(4))
  }
  return false
}
// What a path of siblings leads to (RFC 9162 section 2.1.3.2).
async function path(hash, at, size, siblings) {
  let node = BigInt(at), last = BigInt(size) - 1n
  if (node > last) throw new Error('an entry beyond its log')
  for (const s of siblings) {
    if (last === 0n) throw new Error('a path that is too long')
    if (node & 1n || node === last) { hash = await nodeHash(s, hash); while (!(node & 1n) && node !== 0n) { node >>= 1n; last >>= 1n } } else hash = await nodeHash(hash, s)
    node >>= 1n; last >>= 1n
  }
  if (last !== 0n) throw new Error('a path that is too short')
  return hex(hash)
}
function decode(b) {
  let at = 0
  const take = n => { if (n > b.length - at) throw new Error('the links of the signers end too early'); at += n; return b.slice(at - n, at) }
  const read = depth => {
    const first = take(1)[0], type = first >> 5, info = first & 31
    if (first === 0xf6) return null
    if (info > 27 || type > 4 || depth > 16) throw new Error('the links of the signers cannot be read')
    let n = info
    if (info >= 24) { n = 0; for (const x of take(1 << info - 24)) n = n * 256 + x }
    if (type === 0 || type === 1) return type === 0 ? n : -1 - n
    if (type === 2) return take(n)
    if (type === 3) return new TextDecoder('utf-8', {fatal: true}).decode(take(n))
    if (n > b.length - at) throw new Error('the links of the signers end too early')
    return Array.from({length: n}, () => read(depth + 1))
  }
  const value = read(0)
  if (at !== b.length) throw new Error('something is behind the links of the signers')
  return value
}
// Who signs a checkpoint over so many entries, and where the last change before it ended.
const setValidators = 38
async function signersOf(genesis, size) {
  let now = {log: await keyOf(genesis), size: 0, root: '', changes: 0}
  const answer = await fetch('/v1/signers'), file = answer.status === 200 ? new Uint8Array(await answer.arrayBuffer()) : []
  if (file.length === 0) return now
  const [magic, version, links] = decode(file)
  if (magic !== 'aqsha-signers' || version !== 1) throw new Error('the links of the signers cannot be read')
  for (const [note, , index, entry, inclusion] of links) {
    const signed = new TextDecoder().decode(note), c = parseCheckpoint(signed), [type, transaction] = decode(entry)
    if (c.size >= size) break
    const [kind, , , , validators] = type === 1 ? transaction[0] : []
    if (c.origin !== genesis.name || c.size <= now.size || index < now.size || kind !== setValidators) throw new Error('a link of the signers is none')
    if (!await signedBy(now.log, signed, c.text)) throw new Error('a change of validators is not signed by those before it')
    if (await path(await leafHash(entry), index, c.size, inclusion) !== c.root) throw new Error('a change of validators is not in the log that those before it signed')
    now = {log: await keyOfAll(genesis.name, validators.map(v => v[2].slice(1))), size: c.size, root: c.root, changes: now.changes + 1}
  }
  return now
}
function parseCheckpoint(signed) {
  const cut = signed.indexOf('\n\n'), text = signed.slice(0, cut + 1), lines = text.split('\n')
  if (cut < 0 || !/^[1-9][0-9]{0,15}$/.test(lines[1]) || unbase64(lines[2]).length !== 32) throw new Error('the checkpoint is none')
  return {text, origin: lines[0], size: Number(lines[1]), root: hex(unbase64(lines[2]))}
}
async function verify() {
  const list = $('checks'); list.replaceChildren(); delete list.dataset.result
  const put = (text, kind) => { const li = document.createElement('li'); li.textContent = text; if (kind) li.className = kind; list.append(li) }
  const say = (text, good = true) => { put(text, good ? '' : 'bad'); if (!good) throw new Error(text) }
  try {
    const wanted = $('id').value.trim().toLowerCase()
    if (wanted && !/^[0-9a-f]{64}$/.test(wanted)) throw new Error(t('form'))
    const genesis = exact(await (await get('/v1/genesis')).text()), first = await leafHash(encodeGenesis(genesis)), id = hex(first)
    if (wanted && id !== wanted) say(t('other-network', {found: id, wanted}), false)
    if (wanted) say(t('this-network', {found: id}))
    const signed = await (await get('/checkpoint')).text(), checkpoint = parseCheckpoint(signed), {size, root} = checkpoint
    say(t('checkpoint', {name: checkpoint.origin, size}), checkpoint.origin === genesis.name)
    const signers = await signersOf(genesis, size)
    say(signers.changes === 0 ? t('signed') : t('signed-later', {count: signers.changes}), await signedBy(signers.log, signed, checkpoint.text))
    const tiles = new Tiles(size)
    if (signers.changes > 0) say(t('goes-on'), hex(await tiles.subtree(0, signers.size)) === signers.root)
    say(t('genesis-in'), hex(await tiles.climb(first, 0)) === root)

    const block = exact(await (await get('/v1/blocks?limit=50')).text()).find(b => b.size <= size)
    if (!block) throw new Error('no block is shown that the checkpoint covers')
    if (block.height > 0) {
      const leaf = await leafHash(encodeLeaf(block)), at = Number(block.first)
      say(t('block-in', block), at < size && hex(await tiles.climb(leaf, at)) === root)
      say(t('follows'), hex(await tiles.subtree(0, at)) === block.previous)
      say(t('states', {issued: tenge(block.issued), redeemed: tenge(block.redeemed), circulating: tenge(block.circulating)}), BigInt(block.issued) - BigInt(block.redeemed) === BigInt(block.circulating))
    }
    if (wanted) { localStorage.setItem('aqsha network', id); list.dataset.result = 'verified'; return }
    put(t('unknown', {found: id}), 'open')
    list.dataset.result = 'unanchored'
  } catch (e) {
    if (list.lastChild?.className !== 'bad') put(t('failed', {what: String(e.message ?? e)}), 'bad')
    list.dataset.result = 'failed'
  }
}
// A printed code may hold a link to this page with the id behind "#network=", or the id alone.
const idIn = text => text.toLowerCase().match(/(?:^|=)([0-9a-f]{64})$/)?.[1] ?? ''
$('id').value = idIn(location.hash) || localStorage.getItem('aqsha network') || ''
if ('BarcodeDetector' in window) {
  $('scan').hidden = false
  $('scan').onclick = () => $('photo').click()
  $('photo').onchange = async () => {
    const codes = await new BarcodeDetector({formats: ['qr_code']}).detect(await createImageBitmap($('photo').files[0]))
    $('id').value = codes.map(c => idIn(c.rawValue)).find(x => x) ?? $('id').value
  }
}
$('verify').onclick = verify

await speak(language)
const network = await json('/v1/network')
$('name').textContent = network.name; $('open').hidden = !network.open
const refresh = () => Promise.all([supply(), blocks(), cash(), purses(), story()]).catch(console.error)
$('language').onchange = async () => {
  localStorage.setItem('aqsha-language', $('language').value)
  await speak($('language').value); $('checks').replaceChildren(); delete $('checks').dataset.result
  await refresh()
}
await refresh()
if (location.hash === '#cash' || location.hash === '#purses') $(location.hash.slice(1) + 'Title').scrollIntoView() // it was not there before
let waiting = false
new EventSource('/v1/blocks/stream').addEventListener('block', () => { if (!waiting) { waiting = true; setTimeout(() => { waiting = false; refresh() }, 300) } })
