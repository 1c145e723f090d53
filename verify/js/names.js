// What purposes and agencies may be called, and which names can be taken for one another (RULES.md, R-NAMES).
const pairs = 'аaәeвbгrеeёeз3һhіiїiјjкkқkмmнhңhоoөoрpсcтtуyүyұyхxѕsԁdԛqԝwьbαaβbεeηnιiκkνvοoρpτtυuχxγyωwıiɑaɡgſf0o1ili|i5s'
const alike = new Map(Array.from({length: pairs.length / 2}, (_, i) => [pairs[2 * i], pairs[2 * i + 1]]))
for (const c of "-_ .'") alike.set(c, '')
// skeleton is what a name looks like at a glance.
export const skeleton = name => [...name].map(c => String.fromCodePoint(c.toLowerCase().codePointAt(0))).map(c => alike.get(c) ?? c).join('')
const scripts = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u]
export function usableName(name) {
  if (['plain', 'same', 'any'].includes(name) || /^[0-9]*$/.test(name) || /^\p{White_Space}|\p{White_Space}$|  |\//u.test(name)) return false
  for (const word of name.split(' ')) {
    const met = new Set()
    for (const c of word) {
      if (!/^[\p{L}\p{N}\p{P}\p{S}]$/u.test(c)) return false
      const script = scripts.findIndex(s => s.test(c))
      if (script < 0 && /\p{L}/u.test(c)) return false
      if (script >= 0) met.add(script)
    }
    if (met.size > 1) return false
  }
  return true
}
