package config

import "strings"

// classOf translates the worker classes of Gunicorn and of the packages that
// bring their own: gthread, egg:gunicorn#gevent, uvicorn.workers.UvicornWorker,
// a class of somebody's own such as app.workers.MyWorker. All but the sync ones
// serve many requests at once, as concurrent does.
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

// concurrentClasses are the names that stand alone, in lower case.
const concurrentClasses = " concurrent gthread gevent gevent_wsgi gevent_pywsgi ggevent eventlet geventlet tornado gtornado" +
	" gaiohttp asgi gasgi gunicorn_worker uvicornworker uvicornh11worker meinheldworker "
