package slack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"detect/internal/secret"
	"detect/notify/slack/scripted"
)

func TestCheckNamesWhatIsWrong(t *testing.T) {
	token, hook := secret.Of("xoxb-12-secret"), secret.Of("https://hooks.slack.com/services/T0/B0/secret")
	f := func(cfg Config, want string) {
		t.Helper()
		var got []string
		for _, p := range cfg.Check() {
			got = append(got, strings.Join(p.Path, ".")+": "+p.Message)
			if strings.Contains(p.Message+p.Hint, "secret") && strings.Contains(p.Message+p.Hint, "xox") {
				t.Errorf("it holds the secret: %+v", p)
			}
		}
		if all := strings.Join(got, "; "); want == "" && all != "" || !strings.Contains(all, want) {
			t.Errorf("%q, want %q", all, want)
		}
		if _, err := New("soc", cfg); (err == nil) != (want == "") {
			t.Errorf("New: %v", err)
		}
	}
	f(Config{Token: token, Channel: "#o365-alerts"}, "")
	f(Config{Token: token, Channel: "#größe_warnungen"}, "")
	f(Config{Token: token, Channel: "C0123456789", Pace: 2 * time.Second, API: "https://proxy.example/slack/"}, "")
	f(Config{Token: token, Channel: "C0123456789", API: "http://127.0.0.1:9/api"}, "")
	f(Config{Webhook: hook}, "")
	f(Config{Webhook: secret.Of("http://[::1]:9/x")}, "")
	f(Config{}, "token: there is neither")
	f(Config{Token: token}, "channel: no channel is given")
	f(Config{Token: token, Channel: "o365-alerts"}, "neither the name of a channel nor an id")
	f(Config{Token: token, Channel: "#"}, "neither the name of a channel nor an id")
	f(Config{Token: secret.Of("xapp-1-secret"), Channel: "#x"}, "app-level token")
	f(Config{Token: secret.Of("xoxb-secret\n"), Channel: "#x"}, "blanks")
	f(Config{Token: token, Webhook: hook, Channel: "#x"}, "webhook: both")
	f(Config{Webhook: hook, Channel: "#x"}, "channel: an incoming webhook posts to the channel")
	f(Config{Webhook: secret.Of("http://hooks.slack.com/services/secret")}, "must begin with https")
	f(Config{Webhook: secret.Of("https://")}, "is no URL")
	f(Config{Token: token, Channel: "#x", API: "http://slack.com/api/"}, "api: the address of the API must begin with https")
	f(Config{Token: token, Channel: "#x", API: "ftp://slack.com/api/"}, "must begin with https")
	f(Config{Token: token, Channel: "#x", Pace: -1}, "pace:")
	f(Config{Token: token, Channel: "#x", Pace: time.Hour}, "pace:")
}

func TestConfigIsReadAsWritten(t *testing.T) {
	var cfg Config
	dec := yaml.NewDecoder(strings.NewReader(`{token: {env: SLACK_BOT_TOKEN}, app_token: xapp-1, channel: "#o365-alerts", pace: 1500ms, api: "https://x.example/"}`))
	dec.KnownFields(true)
	if err := dec.Decode(&cfg); err != nil {
		t.Fatal(err)
	}
	if cfg.Pace != 1500*time.Millisecond || cfg.Channel != "#o365-alerts" || !cfg.Token.Given() || !cfg.AppToken.Given() {
		t.Errorf("%+v", cfg)
	}
	if found := cfg.Check(); len(found) > 0 {
		t.Errorf("before the secrets are looked up: %+v", found)
	}
	if _, err := New("soc", cfg); err == nil {
		t.Error("a channel was made without its token")
	}
}

func TestAChannelPrintsNoSecret(t *testing.T) {
	for _, config := range []func(*Config){func(*Config) {}, byWebhook} {
		c, _ := open(t, scripted.New(), config)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if out := fmt.Sprintf(verb, c); out != "slack channel soc" {
				t.Errorf("%s prints %s", verb, out)
			}
		}
	}
}
