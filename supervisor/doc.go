// Package supervisor is the master: it binds the sockets, keeps N workers running,
// and replaces them without losing a request. It never serves a request itself.
// Package worker is the other side, and has an example of both.
//
// One goroutine, the loop in master.go, owns all state. Signals, messages, deaths
// of processes and what is command on the control socket (control.go) reach it
// through channels. It acts on the operating system only through the interfaces in
// system.go. So the stories in testdata play it in virtual time.
//
// What the whole service is doing is a phase (phase.go). What a worker is doing is
// a State (state.go):
//
//	             ready                 told to leave            exit
//	Starting ─────────────▶ Ready ─────────────────▶ Draining ───────▶ Gone
//	   │                      │ hung                     │ out of time
//	   │ boot timeout         ▼                          ▼
//	   └──────────────▶ Aborting (SIGABRT: stacks) ──▶ Killed (SIGKILL) ──▶ Gone
//
// A slot is a place for a worker, numbered from 1. It has a current worker and,
// while that one is being replaced, the next one:
//
//	slot 3:  [cur: age 7, Ready]  [next: age 12, Starting]
//
// When next is ready it becomes cur, and only then is the old cur told to leave. So
// a slot whose worker lives is never empty. Whatever asks for a replacement, be it a
// limit of requests, age or memory, only sets a flag on the slot. reconcile
// (slots.go) starts the successor. A reload (reload.go) starts its own.
package supervisor
