// Who uses a page frame.

import { BIT } from "./machine.js";

/** @import { Machine, ObjectInfo } from "../types.js" */

const NAMED = 3; // users that are named

// The processes that a frame belongs to, found as the kernel does: by the reverse map. Those whose page tables
// lead to it; if none does, but it counts as mapped, whoever may map it: the tables are out of reach just now.
/** @param {Machine} machine @param {number} page */
function usersOf(machine, page) {
  const folio = machine.frame("compound_head", page);
  const number = machine.frame("mapping", folio);
  if (!number) return [];
  const [type, field] = machine.flagsOf(folio).includes("anon")
    ? ["AnonVma", "vmas"]
    : ["AddressSpace", "i_mmap"];
  const anchors = machine.header.objects.filter((object) => object.type === type);
  const anchor = anchors.find((object) => machine.value(object, "number") === number);
  const vmas = (anchor && machine.value(anchor, field)?.tuple) ?? [];
  /** @type {ObjectInfo[]} */
  const mappings = vmas.map(machine.object, machine);
  const led = mappings.filter((vma) => leadsTo(machine, vma, folio, page));
  const mapped = machine.frame("mapcount", page) > 0;
  const found = led.length || !mapped ? led : mappings;
  return [...new Set(found.map((vma) => machine.object(machine.value(vma, "mm")).label))];
}

/** @param {Machine} machine @param {ObjectInfo} vma @param {number} folio @param {number} page */
function leadsTo(machine, vma, folio, page) {
  const shift = BigInt(machine.header.geometry.page_shift);
  const index = BigInt(machine.frame("index", folio)) + BigInt(page - folio);
  const address =
    BigInt(machine.value(vma, "vm_start")) + ((index - BigInt(machine.value(vma, "vm_pgoff"))) << shift);
  const mm = machine.object(machine.value(vma, "mm"));
  const last = machine.walk(mm, address).pop();
  if (!last || !(last.entry.lo & (BIT.present | BIT.protnone))) return false;
  const first = last.entry.pfn - machine.startPfn;
  return last.level === "PTE" ? first === page : first === folio;
}

// " of a", " of a and b"; nothing for a frame that no process uses.
/** @param {Machine} machine @param {number} page */
export function ofUsers(machine, page) {
  const users = usersOf(machine, page);
  if (!users.length) return "";
  return ` of ${users.slice(0, NAMED).join(" and ")}${users.length > NAMED ? " and others" : ""}`;
}
