// Package supervisor is the master: it binds the sockets, keeps N workers
// running and lets none of their requests be lost when they are replaced. It
// never serves a request itself, and it is a library; see package worker for
// the other side and for an example of both.
//
// One goroutine, the loop in master.go, owns all state. Signals, messages,
// deaths and what is asked over the control socket (control.go) reach it as
// events; whatever it decides, it decides there.
//
//	             ready                 told to leave            exit
//	Starting ─────────────▶ Ready ─────────────────▶ Draining ───────▶ Gone
//	   │                      │ hung                     │ out of time
//	   │ boot timeout         ▼                          ▼
//	   └──────────────▶ Aborting (SIGABRT: stacks) ──▶ Killed (SIGKILL) ──▶ Gone
//
// A slot is a place for a worker, numbered from 1. It has a current worker and,
// while that is being replaced, the next one:
//
//	slot 3:  [cur: age 7, Ready]  [next: age 12, Starting]
//
// When next is ready it becomes cur, and only then is the old cur told to
// leave. So a slot that works is never empty. What starts a replacement, be it
// a reload, a limit of requests, age or memory, or a hang, only sets a flag on
// the slot; reconcile (slots.go) does the rest.
package supervisor
