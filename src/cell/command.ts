/**
 * The numbers of cells and relay messages (tor-spec, "Cell Packet format" and "Relay cells").
 *
 * @module
 */

/** Commands of cells on a channel. Commands of 128 and above, and VERSIONS, have variable length. */
export const CellCommand = {
  PADDING: 0,
  CREATE: 1,
  CREATED: 2,
  RELAY: 3,
  DESTROY: 4,
  CREATE_FAST: 5,
  CREATED_FAST: 6,
  VERSIONS: 7,
  NETINFO: 8,
  RELAY_EARLY: 9,
  CREATE2: 10,
  CREATED2: 11,
  PADDING_NEGOTIATE: 12,
  VPADDING: 128,
  CERTS: 129,
  AUTH_CHALLENGE: 130,
  AUTHENTICATE: 131,
  AUTHORIZE: 132,
} as const;

/** Commands of relay messages. */
export const RelayCommand = {
  BEGIN: 1,
  DATA: 2,
  END: 3,
  CONNECTED: 4,
  SENDME: 5,
  EXTEND: 6,
  EXTENDED: 7,
  TRUNCATE: 8,
  TRUNCATED: 9,
  DROP: 10,
  RESOLVE: 11,
  RESOLVED: 12,
  BEGIN_DIR: 13,
  EXTEND2: 14,
  EXTENDED2: 15,
  CONFLUX_LINK: 19,
  CONFLUX_LINKED: 20,
  CONFLUX_LINKED_ACK: 21,
  CONFLUX_SWITCH: 22,
  PADDING_NEGOTIATE: 41,
  PADDING_NEGOTIATED: 42,
  XOFF: 43,
  XON: 44,
} as const;

/** Whether a cell with this command says its own length (tor-spec, "Cell Packet format"). */
export function hasVariableLength(command: number): boolean {
  return command === CellCommand.VERSIONS || command >= 128;
}

function nameIn(table: Readonly<Record<string, number>>, value: number, otherwise: string): string {
  for (const [name, number] of Object.entries(table)) if (number === value) return name;
  return `${otherwise} ${value}`;
}

/** A cell command's name, for logs. */
export function cellCommandName(command: number): string {
  return nameIn(CellCommand, command, "command");
}

/** A relay command's name, for logs. */
export function relayCommandName(command: number): string {
  return nameIn(RelayCommand, command, "relay command");
}

/** Whether a relay command is one that we know. */
export function isRelayCommand(command: number): boolean {
  return RELAY_COMMANDS.has(command);
}

const RELAY_COMMANDS: ReadonlySet<number> = new Set(Object.values(RelayCommand));
