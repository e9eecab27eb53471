export { ConfigError } from './config-error.ts'
export { type Config, type LoadConfigOptions, loadConfig } from './load-config.ts'
