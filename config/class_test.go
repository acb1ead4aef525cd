package config

import "testing"

// The worker classes of Gunicorn and of other packages are understood as users write
// them.
func TestClassNames(t *testing.T) {
	for name, want := range map[string]string{
		"sync": Sync, "gunicorn.workers.sync.SyncWorker": Sync, "egg:gunicorn#sync": Sync,
		"concurrent": Concurrent, "gthread": Concurrent, "gunicorn.workers.gthread.ThreadWorker": Concurrent,
		"gevent": Concurrent, "egg:gunicorn#gevent": Concurrent, "gevent_wsgi": Concurrent, "gevent_pywsgi": Concurrent,
		"gunicorn.workers.ggevent.GeventWorker": Concurrent, "geventwebsocket.gunicorn.workers.GeventWebSocketWorker": Concurrent,
		"eventlet": Concurrent, "tornado": Concurrent, "gaiohttp": Concurrent, "asgi": Concurrent,
		"uvicorn.workers.UvicornWorker": Concurrent, "uvicorn.workers.UvicornH11Worker": Concurrent,
		"uvicorn_worker.UvicornWorker": Concurrent, "uvicorn_worker.UvicornH11Worker": Concurrent,
		"aiohttp.GunicornWebWorker": Concurrent, "aiohttp.worker.GunicornUVLoopWebWorker": Concurrent,
		"egg:meinheld#gunicorn_worker": Concurrent, "meinheld.gmeinheld.MeinheldWorker": Concurrent,
		"app.workers.ConfiguredUvicornWorker": Concurrent, "sanic.worker.GunicornWorker": Concurrent,
		"snyc": "", "2": "", "uvicorn": "", "sync,gthread": "", "server:app": "",
	} {
		s, err := Load(Source{Given: Given{"worker-class": {name}}, Dir: t.TempDir()})
		if err != nil {
			if want != "" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if s.WorkerClass != want {
			t.Errorf("%s means %q, want %q", name, s.WorkerClass, want)
		}
		note := ""
		if name != want {
			note = "--worker-class: " + name + " means " + want + " here"
		}
		if got := s.Notes(); note == "" && len(got) > 0 || note != "" && (len(got) != 1 || got[0] != note) {
			t.Errorf("%s: notes %q, want %q", name, got, note)
		}
	}
}

// Notes are only about the value in force.
func TestClassNameOverridden(t *testing.T) {
	s, err := Load(Source{Given: Given{"worker-class": {"sync"}}, Environ: []string{"NARWHAL_WORKER_CLASS=gevent"}, Dir: t.TempDir()})
	if err != nil || len(s.Notes()) > 0 {
		t.Errorf("notes %q, %v; want none: the flag has narwhal's own word", s.Notes(), err)
	}
}
