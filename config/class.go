package config

import "strings"

// classOf translates a worker class of Gunicorn or of another package: gthread,
// egg:gunicorn#gevent, uvicorn.workers.UvicornWorker. A class of the user's own counts,
// too, if its name ends in Worker: app.workers.MyWorker. All classes but the sync ones
// serve many requests at once, as Concurrent does. known is false for other names.
func classOf(name string) (class string, known bool) {
	word := name[strings.LastIndexAny(name, ".#:/")+1:]
	lower := strings.ToLower(word)
	switch {
	case lower == "sync", lower == "syncworker":
		return Sync, true
	case strings.Contains(concurrentClasses, " "+lower+" "):
		return Concurrent, true
	case word != name && strings.HasSuffix(lower, "worker"):
		return Concurrent, true
	}
	return "", false
}

// concurrentClasses are the classes that need no package in front, in lower case.
const concurrentClasses = " concurrent gthread gevent gevent_wsgi gevent_pywsgi ggevent eventlet geventlet tornado gtornado" +
	" gaiohttp asgi gasgi gunicorn_worker uvicornworker uvicornh11worker meinheldworker "
