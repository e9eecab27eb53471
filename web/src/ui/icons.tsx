import type { ComponentChildren } from 'preact'

function Icon({ children }: { readonly children: ComponentChildren }) {
  return (
    <svg
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  )
}

export const MapIcon = () => (
  <Icon>
    <circle cx="5" cy="6" r="2.3" />
    <circle cx="15" cy="7" r="2.3" />
    <circle cx="9" cy="15" r="2.3" />
    <path d="m7.3 6.2 5.4.6M6 8.1l2.1 4.8m2.3-.1 3.4-3.9" />
  </Icon>
)

export const MatrixIcon = () => (
  <Icon>
    <rect x="3" y="3" width="14" height="14" rx="2" />
    <path d="M3 7.7h14M3 12.3h14M7.7 3v14m4.6-14v14" />
  </Icon>
)

export const TimelineIcon = () => (
  <Icon>
    <path d="M5 3v14" />
    <circle cx="5" cy="6" r="1.4" fill="currentColor" />
    <circle cx="5" cy="13.5" r="1.4" fill="currentColor" />
    <path d="M9.5 6H17m-7.5 7.5H15" />
  </Icon>
)

export const LinkIcon = () => (
  <Icon>
    <path d="M8.5 11.5a3.2 3.2 0 0 0 4.6 0l2.7-2.7a3.25 3.25 0 0 0-4.6-4.6l-1 1" />
    <path d="M11.5 8.5a3.2 3.2 0 0 0-4.6 0l-2.7 2.7a3.25 3.25 0 0 0 4.6 4.6l1-1" />
  </Icon>
)

export const DiscoveryIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="7" />
    <path d="m13 7-1.7 4.3L7 13l1.7-4.3Z" />
  </Icon>
)

export const ProcessIcon = () => (
  <Icon>
    <rect x="3" y="4" width="14" height="5" rx="1.5" />
    <rect x="3" y="11.5" width="14" height="5" rx="1.5" />
    <path d="M6 6.5h.01M6 14h.01" stroke-width="2" />
  </Icon>
)

export const PubSubIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="1.6" fill="currentColor" />
    <path d="M6.6 13.4a4.8 4.8 0 0 1 0-6.8m6.8 0a4.8 4.8 0 0 1 0 6.8M4.2 15.8a8.2 8.2 0 0 1 0-11.6m11.6 0a8.2 8.2 0 0 1 0 11.6" />
  </Icon>
)

export const StoreIcon = () => (
  <Icon>
    <ellipse cx="10" cy="5" rx="6" ry="2.3" />
    <path d="M4 5v10c0 1.3 2.7 2.3 6 2.3s6-1 6-2.3V5M4 10c0 1.3 2.7 2.3 6 2.3s6-1 6-2.3" />
  </Icon>
)

export const NodeIcon = () => (
  <Icon>
    <path d="m10 2.8 6.3 3.6v7.2L10 17.2l-6.3-3.6V6.4Z" />
    <circle cx="10" cy="10" r="2.4" />
  </Icon>
)

export const PauseIcon = () => (
  <Icon>
    <path d="M7 4.5v11m6-11v11" stroke-width="2.4" />
  </Icon>
)

export const PlayIcon = () => (
  <Icon>
    <path d="M6.5 4.2v11.6l9-5.8Z" fill="currentColor" />
  </Icon>
)

export const SunIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.4" />
    <path d="M10 2.2v1.6m0 12.4v1.6M2.2 10h1.6m12.4 0h1.6M4.5 4.5l1.1 1.1m8.8 8.8 1.1 1.1m0-11-1.1 1.1m-8.8 8.8-1.1 1.1" />
  </Icon>
)

export const MoonIcon = () => (
  <Icon>
    <path d="M16.5 11.8A7 7 0 1 1 8.2 3.5a5.6 5.6 0 0 0 8.3 8.3Z" />
  </Icon>
)

export const KeyboardIcon = () => (
  <Icon>
    <rect x="2.2" y="5" width="15.6" height="10.4" rx="2" />
    <path d="M5.3 8.2h.01m3.1 0h.01m3.1 0h.01m3.1 0h.01M7 12.2h6" stroke-width="1.9" />
  </Icon>
)

export const GoodIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="8" fill="currentColor" fill-opacity="0.14" />
    <path d="m6.5 10.3 2.4 2.4 4.7-5.2" stroke-width="1.9" />
  </Icon>
)

export const WarnIcon = () => (
  <Icon>
    <path d="M10 2.6 18 16.6H2Z" fill="currentColor" fill-opacity="0.14" />
    <path d="M10 7.8v4.1m0 2.3v.1" stroke-width="1.9" />
  </Icon>
)

export const BadIcon = () => (
  <Icon>
    <path d="M6.7 2h6.6L18 6.7v6.6L13.3 18H6.7L2 13.3V6.7Z" fill="currentColor" fill-opacity="0.14" />
    <path d="m7.2 7.2 5.6 5.6m0-5.6-5.6 5.6" stroke-width="1.9" />
  </Icon>
)

export const InfoIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="8" fill="currentColor" fill-opacity="0.1" />
    <path d="M10 9.3v4.4m0-7v.1" stroke-width="1.9" />
  </Icon>
)
