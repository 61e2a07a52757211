package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Tactics are ATT&CK's enterprise tactics by the short names that rules use, in the matrix's order.
var Tactics = []string{
	"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation",
	"defense-evasion", "credential-access", "discovery", "lateral-movement", "collection", "command-and-control",
	"exfiltration", "impact",
}

// techniques are the tactics of the techniques that are seen around Office 365, as of ATT&CK v17
// (https://attack.mitre.org/techniques/). A technique alone stands for the first of them in the matrix's order.
var techniques = map[string]string{
	"T1003": "credential-access",
	"T1020": "exfiltration",
	"T1021": "lateral-movement",
	"T1027": "defense-evasion",
	"T1030": "exfiltration",
	"T1036": "defense-evasion",
	"T1037": "persistence privilege-escalation",
	"T1039": "collection",
	"T1040": "credential-access discovery",
	"T1041": "exfiltration",
	"T1048": "exfiltration",
	"T1053": "execution persistence privilege-escalation",
	"T1056": "collection credential-access",
	"T1059": "execution",
	"T1068": "privilege-escalation",
	"T1069": "discovery",
	"T1070": "defense-evasion",
	"T1071": "command-and-control",
	"T1072": "execution lateral-movement",
	"T1074": "collection",
	"T1078": "initial-access persistence privilege-escalation defense-evasion",
	"T1080": "lateral-movement",
	"T1087": "discovery",
	"T1090": "command-and-control",
	"T1098": "persistence privilege-escalation",
	"T1102": "command-and-control",
	"T1105": "command-and-control",
	"T1110": "credential-access",
	"T1111": "credential-access",
	"T1112": "defense-evasion persistence",
	"T1114": "collection",
	"T1119": "collection",
	"T1133": "persistence initial-access",
	"T1134": "defense-evasion privilege-escalation",
	"T1136": "persistence",
	"T1137": "persistence",
	"T1185": "collection",
	"T1187": "credential-access",
	"T1189": "initial-access",
	"T1190": "initial-access",
	"T1195": "initial-access",
	"T1199": "initial-access",
	"T1201": "discovery",
	"T1203": "execution",
	"T1204": "execution",
	"T1210": "lateral-movement",
	"T1212": "credential-access",
	"T1213": "collection",
	"T1217": "discovery",
	"T1219": "command-and-control",
	"T1222": "defense-evasion",
	"T1484": "privilege-escalation defense-evasion",
	"T1485": "impact",
	"T1486": "impact",
	"T1489": "impact",
	"T1490": "impact",
	"T1491": "impact",
	"T1496": "impact",
	"T1498": "impact",
	"T1499": "impact",
	"T1505": "persistence",
	"T1525": "persistence",
	"T1526": "discovery",
	"T1528": "credential-access",
	"T1530": "collection",
	"T1531": "impact",
	"T1534": "lateral-movement",
	"T1535": "defense-evasion",
	"T1537": "exfiltration",
	"T1538": "discovery",
	"T1539": "credential-access",
	"T1546": "persistence privilege-escalation",
	"T1548": "privilege-escalation defense-evasion",
	"T1550": "lateral-movement defense-evasion",
	"T1552": "credential-access",
	"T1553": "defense-evasion",
	"T1555": "credential-access",
	"T1556": "credential-access defense-evasion persistence",
	"T1557": "credential-access collection",
	"T1558": "credential-access",
	"T1560": "collection",
	"T1562": "defense-evasion",
	"T1564": "defense-evasion",
	"T1565": "impact",
	"T1566": "initial-access",
	"T1567": "exfiltration",
	"T1580": "discovery",
	"T1583": "resource-development",
	"T1584": "resource-development",
	"T1585": "resource-development",
	"T1586": "resource-development",
	"T1588": "resource-development",
	"T1589": "reconnaissance",
	"T1590": "reconnaissance",
	"T1595": "reconnaissance",
	"T1598": "reconnaissance",
	"T1606": "credential-access",
	"T1608": "resource-development",
	"T1614": "discovery",
	"T1619": "discovery",
	"T1621": "credential-access",
	"T1648": "execution",
	"T1649": "credential-access",
	"T1651": "execution",
	"T1656": "defense-evasion",
	"T1657": "impact",
	"T1666": "defense-evasion",
	"T1671": "persistence",
}

var techniqueID = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)

// tacticsOf is the tactics of a technique or sub-technique, in the matrix's order; nil if it is not in the table.
func tacticsOf(id string) []string {
	parent, _, _ := strings.Cut(id, ".")
	known := strings.Fields(techniques[parent])
	slices.SortFunc(known, func(a, b string) int { return slices.Index(Tactics, a) - slices.Index(Tactics, b) })
	return known
}

// parseTechnique reads `tactic/technique`, or a technique alone, which then stands for its first tactic.
func parseTechnique(s string) (Technique, error) {
	tactic, id, both := strings.Cut(s, "/")
	if !both {
		tactic, id = "", s
	}
	if !techniqueID.MatchString(id) {
		return Technique{}, fmt.Errorf("%q is no ATT&CK technique, such as T1114.003 or collection/T1114.003", s)
	}
	if !both {
		known := tacticsOf(id)
		if len(known) == 0 {
			return Technique{}, fmt.Errorf("the tactic of %s is not known here: write it as tactic/%s", id, id)
		}
		return Technique{Tactic: known[0], ID: id}, nil
	}
	if !slices.Contains(Tactics, tactic) {
		return Technique{}, fmt.Errorf("%q is no ATT&CK tactic; they are %s", tactic, strings.Join(Tactics, ", "))
	}
	if known := tacticsOf(id); len(known) > 0 && !slices.Contains(known, tactic) {
		return Technique{}, fmt.Errorf("%s belongs to %s, not to %s", id, strings.Join(known, ", "), tactic)
	}
	return Technique{Tactic: tactic, ID: id}, nil
}
