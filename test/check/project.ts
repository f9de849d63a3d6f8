import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { root } from './command.ts'

/** The project's public addresses, from `project.json` at the root. Each is empty until the project has it. */
export interface Project {
  /** The address to clone the repository from. */
  readonly repository: string
  /** The page that introduces the project. */
  readonly homepage: string
  /** The address for bug reports. */
  readonly bugs: string
}

const address = z.url({ protocol: /^https$/, hostname: z.regexes.domain }).or(z.literal(''))

const projectSchema: z.ZodType<Project> = z.strictObject({
  repository: address,
  homepage: address,
  bugs: address,
})

/** The fields of a `package.json` that lead to the project. */
export interface ManifestLinks {
  readonly repository?: { readonly type: string; readonly url: string; readonly directory: string }
  readonly homepage?: string
  readonly bugs?: { readonly url: string }
}

/** Reads `project.json`. Throws if a field is missing, unknown, or neither empty nor an https URL. */
export function readProject(): Project {
  return parseProject(JSON.parse(readFileSync(join(root, 'project.json'), 'utf8')))
}

/** Checks the content of `project.json`. Throws if it does not fit the schema. */
export function parseProject(content: unknown): Project {
  return projectSchema.parse(content)
}

/** Returns the links for the package in `folder`. An address that is empty gives no field. */
export function manifestLinks(project: Project, folder: string): ManifestLinks {
  const { repository, homepage, bugs } = project
  const url = `git+${repository.replace(/(\.git)?$/, '.git')}`
  return {
    ...(repository && { repository: { type: 'git', url, directory: folder } }),
    ...(homepage && { homepage }),
    ...(bugs && { bugs: { url: bugs } }),
  }
}
