package email

import (
	"fmt"
	"html/template"
	"strings"
)

// page is the letter as HTML: styles in the elements, since clients drop all others; tables, since Outlook knows no other
// layout; nothing that is loaded; no colours of text or ground but greys in the middle, so that it is legible on the light and
// on the dark ground that the client chooses. The template package escapes every text for its place.
var page = template.Must(template.New("mail").Parse(strings.NewReplacer("\n", "", "\t", "").Replace(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<title>{{.Title}}</title>
</head>
<body style="margin:0;padding:0;-webkit-text-size-adjust:100%">
{{with .Preview}}<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px">{{.}}</div>{{end}}
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:680px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.45">
<tr><td style="padding:16px 16px 0 16px">

<div style="border-left:5px solid {{.Colour}};padding:2px 0 2px 14px">
<div style="padding-bottom:6px">
<span style="display:inline-block;background-color:{{.Colour}};color:#ffffff;font-size:12px;font-weight:700;letter-spacing:.06em;padding:2px 8px;border-radius:3px">{{.Label}}</span>
{{with .State}}<span style="display:inline-block;font-size:13px;font-weight:700;padding:2px 0 2px 10px">{{.}}</span>{{end}}
</div>
<div style="font-size:19px;line-height:1.3;font-weight:600;word-break:break-word;overflow-wrap:anywhere">{{.Title}}</div>
</div>

{{range .Marks}}<div style="margin-top:12px;padding:8px 12px;border:1px solid #b7791f;border-radius:4px;font-size:14px;word-break:break-word;overflow-wrap:anywhere">{{.}}</div>{{end}}

{{if .Changes}}
<div style="padding:16px 0 4px 0;font-size:13px;font-weight:700;color:#7a7f87">What changed</div>
{{range .Changes}}<div style="padding:1px 0 1px 14px;word-break:break-word;overflow-wrap:anywhere"><span style="color:#7a7f87">&bull;</span> {{.}}</div>{{end}}
{{end}}

{{if .Facts}}
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin-top:14px;font-size:15px;line-height:1.45">
{{range .Facts}}<tr>
<td valign="top" style="width:84px;padding:4px 12px 4px 0;color:#7a7f87;font-size:14px;border-top:1px solid #80808040;word-break:break-word">{{.Label}}</td>
<td valign="top" style="padding:4px 0;border-top:1px solid #80808040;word-break:break-word;overflow-wrap:anywhere">{{range $i, $line := .Lines}}{{if $i}}<br>{{end}}{{$line}}{{end}}</td>
</tr>{{end}}
</table>
{{end}}

{{if .Respond}}
<div style="padding:18px 0 6px 0;font-size:13px;font-weight:700;color:#7a7f87">To respond, in PowerShell</div>
<div style="padding:10px 12px;border:1px solid #80808060;border-radius:4px;background-color:#8080801a;font-family:ui-monospace,Consolas,Menlo,monospace;font-size:13px;line-height:1.5;word-break:break-word;overflow-wrap:anywhere">{{range .Commands}}<div style="white-space:pre-wrap;padding-left:1.5em;text-indent:-1.5em">{{.}}</div>{{end}}</div>
{{if .Altered}}<div style="padding:6px 0 0 0;font-size:13px;color:#7a7f87">{{.AlteredNote}}</div>{{end}}
{{end}}

{{if .Why}}
{{with .WhyTitle}}<div style="padding:18px 0 2px 0;font-size:13px;font-weight:700;color:#7a7f87">{{.}}</div>{{end}}
{{range .Why}}<div style="padding:2px 0 6px 0;word-break:break-word;overflow-wrap:anywhere">{{.}}</div>{{end}}
{{end}}

{{if .Benign}}
<div style="padding:12px 0 2px 0;font-size:13px;font-weight:700;color:#7a7f87">It may be harmless</div>
{{range .Benign}}<div style="padding:1px 0 1px 14px;word-break:break-word;overflow-wrap:anywhere"><span style="color:#7a7f87">&bull;</span> {{.}}</div>{{end}}
{{end}}

{{if or .Records .Attack}}<div style="padding:14px 0 0 0;font-size:13px;word-break:break-word;overflow-wrap:anywhere">
{{with .Records}}<div><span style="color:#7a7f87">Records:</span> {{.}}</div>{{end}}
{{if .Attack}}<div><span style="color:#7a7f87">ATT&amp;CK:</span> {{range $i, $l := .Attack}}{{if $i}}, {{end}}{{template "link" $l}}{{end}}</div>{{end}}
</div>{{end}}
{{if .Sources}}
<div style="padding:12px 0 2px 0;font-size:13px;font-weight:700;color:#7a7f87">Read more</div>
{{range .Sources}}<div style="padding:1px 0 1px 14px;font-size:13px;word-break:break-word;overflow-wrap:anywhere"><span style="color:#7a7f87">&bull;</span> {{template "link" .}}</div>{{end}}
{{end}}
{{with .Cut}}<div style="padding:14px 0 0 0;font-size:14px">{{.}}</div>{{end}}

<div style="margin-top:18px;padding:8px 0 20px 0;border-top:1px solid #80808040;font-size:12px;line-height:1.6;color:#7a7f87;word-break:break-word;overflow-wrap:anywhere">
{{range $i, $line := .Footer}}{{if $i}}<br>{{end}}{{$line}}{{end}}
</div>

</td></tr>
</table>
</body>
</html>
{{define "link"}}{{if .To}}<a href="{{.To}}" rel="noreferrer" style="color:#3b7dd8">{{.Text}}</a>{{else}}{{.Text}}{{end}}{{end}}
`)))

// AlteredNote is the note below commands that are Altered.
func (l *letter) AlteredNote() string { return altered }

// Commands are the lines of Respond, each an element of its own: Outlook would join them.
func (l *letter) Commands() []string { return strings.Split(l.Respond, "\n") }

// WhyTitle is the title above Why.
func (l *letter) WhyTitle() string { return l.why() }

// html is the letter as a page.
func (l *letter) html() (string, error) {
	var b strings.Builder
	if err := page.Execute(&b, l); err != nil {
		return "", fmt.Errorf("render mail: %w", err)
	}
	return b.String(), nil
}
