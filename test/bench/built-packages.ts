import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, runCommand } from '../check/command.ts'

/**
 * Builds the packages whose imports are measured, as they are published. Returns a folder from
 * which they, and the packages that they are compared with, can be imported. Builds anew, because
 * an earlier build in the tree may be outdated.
 */
export async function builtPackages(folder: string): Promise<string> {
  const user = join(folder, 'node_modules')
  const core = join(user, '@bursar/core')
  const aiSdk = join(user, '@bursar/ai-sdk')
  await build('packages/core', ['src/index.ts', 'src/session-entry.ts'], core)
  await build('packages/adapters/ai-sdk', ['src/index.ts'], aiSdk)
  const dependencies = join(root, 'packages/core/node_modules')
  symlinkSync(dependencies, join(core, 'node_modules'))
  symlinkSync(join(root, 'packages/adapters/ai-sdk/node_modules/ai'), join(user, 'ai'))
  for (const name of ['zod', '@opentelemetry']) {
    symlinkSync(join(dependencies, name), join(user, name))
  }
  return folder
}

/** Copies the build of a package with the manifest that it is published with. */
async function build(source: string, entries: readonly string[], to: string): Promise<void> {
  mkdirSync(to, { recursive: true })
  const options = ['--config', join(root, 'tsup.config.ts'), '--out-dir', join(to, 'dist')]
  await runCommand('tsup', [...options, '--silent', ...entries], join(root, source))
  const manifest = JSON.parse(readFileSync(join(root, source, 'package.json'), 'utf8'))
  const published = { ...manifest, exports: manifest.publishConfig.exports }
  writeFileSync(join(to, 'package.json'), JSON.stringify(published))
}
