// The client under test does OAuth; the test does the browser. They talk in lines:
// "AUTHORIZE <url>" goes out, the URL at which the browser arrived comes back.
import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

export async function browse(url) {
  console.log(`AUTHORIZE ${url.href}`)
  const { value } = await lines.next()
  return new URL(value)
}

export function done(facts) {
  console.log(`DONE ${JSON.stringify(facts)}`)
  process.exit(0)
}
