package simulate

// Words of the make-believe tenant. Names of people are common first and last names put together at random.

var firstNames = []string{
	"Anna", "Ben", "Clara", "David", "Elena", "Felix", "Grace", "Henry", "Ines", "Jonas", "Karin", "Liam", "Maria", "Noah", "Olivia", "Paul",
	"Quentin", "Rosa", "Samuel", "Teresa", "Umar", "Vera", "William", "Xenia", "Yusuf", "Zoë", "Amara", "Björn", "Chloe", "Daniel", "Emma", "Farah",
	"George", "Hannah", "Ivan", "Julia", "Kenji", "Laura", "Marco", "Nadia", "Oscar", "Priya", "Rafael", "Sofia", "Tom", "Ursula", "Victor", "Wei",
	"Yara", "Adam", "Bianca", "Carlos", "Diana", "Erik", "Fiona", "Gustav", "Helena", "Isaac", "Jasmin", "Leo", "Mei", "Nina", "Omar", "Ruth",
}

var lastNames = []string{
	"Weber", "Smith", "García", "Tan", "Johnson", "Fischer", "Brown", "Martín", "Lim", "Davis", "Wagner", "Taylor", "López", "Wong", "Miller",
	"Becker", "Wilson", "Sánchez", "Ng", "Moore", "Hoffmann", "Evans", "Romero", "Lee", "Clark", "Schäfer", "Walker", "Torres", "Chen", "Lewis",
	"Koch", "Roberts", "Ruiz", "Goh", "Young", "Bauer", "Green", "Díaz", "Ong", "King", "Klein", "Hall", "Moreno", "Koh", "Wright", "Wolf",
	"Wood", "Álvarez", "Teo", "Scott", "Neumann", "Harris", "Ramos", "Chua", "Adams", "Braun", "Cooper", "Navarro", "Sim", "Baker", "Krüger",
	"Turner", "Vega", "Yeo", "Nelson", "Vogel", "Parker", "Molina", "Ho", "Carter", "Keller", "Bennett", "Ortiz", "Chong", "Mitchell", "Frank",
	"Gray", "Serrano", "Foo",
}

// plainLetters folds the letters of the names above to those of a mail address.
var plainLetters = map[rune]string{
	'ë': "e", 'ö': "o", 'í': "i", 'ó': "o", 'á': "a", 'ä': "ae", 'ü': "ue", 'Á': "A",
}

var departments = []string{"Sales", "Engineering", "Operations", "Marketing", "Finance", "Support", "Legal", "People", "IT"}

const (
	finance = 4
	itDept  = 8
)

var siteTopics = []string{
	"Sales", "Engineering", "Operations", "Marketing", "Finance", "Support", "Legal", "People", "IT", "Intranet", "Projects", "Product", "Quality",
	"Customers", "Training", "Events",
}

var folders = []string{
	"", "/General", "/Reports", "/2025", "/2026", "/Archive", "/Drafts", "/Customers", "/Templates", "/Meetings", "/Projects/Aurora", "/Projects/Basalt",
	"/Budget", "/Contracts", "/Design", "/Research/Interviews",
}

var fileWords = []string{
	"Budget", "Forecast", "Minutes", "Offer", "Contract", "Roadmap", "Checklist", "Report", "Summary", "Plan", "Review", "Agenda", "Inventory", "Proposal",
	"Schedule", "Analysis", "Handbook", "Specification", "Price list", "Onboarding", "Survey", "Guideline", "Statement", "Overview",
}

var fileKinds = []string{"docx", "xlsx", "pptx", "pdf", "docx", "xlsx", "png", "txt", "csv", "vsdx", "docx", "pdf"}

var subjects = []string{
	"Minutes of the weekly meeting", "Re: Offer for the Aurora project", "Lunch on Thursday?", "Travel plans", "Re: Question about the roadmap",
	"Draft for your review", "Numbers for the first quarter", "Fwd: Customer feedback", "Welcome to the team", "Re: Re: Schedule for March",
	"Your order has been shipped", "Photos of the summer party – thank you!", "Newsletter: what is new this month", "Re: Access to the test system",
	"Meeting moved to 3 pm", "Slides from today", "Out of office: Re: Slides from today", "Invitation: project kick-off", "Re: Spécification v2",
}

var searches = []string{"aurora roadmap", "travel guideline", "holiday calendar", "org chart", "brand colours", "minutes march", "price list 2026"}

var mailFolders = []string{`\Inbox`, `\Inbox`, `\Inbox`, `\Sent Items`, `\Inbox\Projects`, `\Drafts`, `\Calendar`, `\Archive`}

// application is a client that signs in and acts.
type application struct{ id, name string }

// The applications that Microsoft publishes under these ids.
var (
	appExchange   = application{"00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"}
	appSharePoint = application{"00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online"}
	appGraph      = application{"00000003-0000-0000-c000-000000000000", "Microsoft Graph"}
	appOffice     = application{"d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office"}
	appOWA        = application{"9199bf20-a13f-4107-85dc-02114787ef48", "One Outlook Web"}
	appMobile     = application{"27922004-5251-4030-b22d-91ecd9a37ea4", "Outlook Mobile"}
	appTeams      = application{"1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams"}
	appSync       = application{"ab9b8c07-8f02-4f72-87fa-80105867a763", "OneDrive SyncEngine"}
	appHome       = application{"4765445b-32c6-49b0-83e6-1d93765276ca", "OfficeHome"}
)

// agent is a browser or client on an operating system.
type agent struct{ os, browser, platform, text string }

var laptops = []agent{
	{"Windows10", "Edge", "WinDesktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36 Edg/133.0.0.0"},
	{"Windows10", "Chrome", "WinDesktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36"},
	{"Windows10", "Firefox", "WinDesktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:135.0) Gecko/20100101 Firefox/135.0"},
	{"MacOs", "Safari", "MacDesktop", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15"},
}

var phones = []agent{
	{"Ios 18.3", "Mobile Safari", "IOSMobile", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"},
	{"Android", "Chrome Mobile", "AndroidMobile", "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Mobile Safari/537.36"},
}

const syncAgent = "Microsoft SkyDriveSync 25.020.0202.0001 ship; Windows NT 10.0 (22631)"
