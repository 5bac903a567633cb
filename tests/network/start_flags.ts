/** How people start chive, so that what is tested and measured is started the same way. */
export { permissionFlags, START_FLAGS, startFlags } from "../../scripts/start_flags.ts";
