package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serve answers requests for metrics and health until ctx ends.
func (d *Daemon) serve(ctx context.Context) {
	server := &http.Server{
		Handler: d.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(end)
		_ = server.Close()
	}()
	if err := server.Serve(d.Listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		d.Log.Error("metrics and health are served no more", "error", err)
	}
	<-done
}

// handler answers /metrics, /healthz and /readyz.
func (d *Daemon) handler() http.Handler {
	mux := http.NewServeMux()
	metrics := promhttp.HandlerFor(d.metrics.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 20 * time.Second})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		d.metrics.ready.Set(number(d.ready() == nil))
		d.metrics.paused.Set(number(d.state.stopped()))
		d.metrics.unread.Set(number(d.anyUnread()))
		metrics.ServeHTTP(w, r)
	})
	answer := func(ask func() error) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			if err := ask(); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				fmt.Fprintln(w, err)
				return
			}
			fmt.Fprintln(w, "ok")
		}
	}
	mux.HandleFunc("GET /healthz", answer(d.state.healthy))
	mux.HandleFunc("GET /readyz", answer(d.ready))
	return mux
}
