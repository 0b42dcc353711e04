/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include "tool.h"

const struct tool tools[] = {
    {"qvm-ls", cmd_ls,
     "[-O FIELDS | -o FORMAT] [--raw-list | --raw-data] [--tree] [FILTER…] [NAME…]\n"
     "  -o, --format=simple|network|kernel|full|disk|prefs   columns (default simple)\n"
     "  -O, --fields=A,B,…      these columns: NAME STATE CLASS LABEL, properties, feature:X, …\n"
     "      --raw-list          names only    --raw-data   values separated by |\n"
     "      --tree              show which netvm serves whom\n"
     "      --running --paused --halted --class=C --label=L --tags=T… --template-source=T --netvm-is=N\n"
     "      --features=F=V --prefs=P=V --internal=y|n|both\n"
     "      --sort=COLUMN --reverse --exclude=NAME --spinner --no-spinner"},
    {"qvm-create", cmd_create,
     "[-C CLASS] [-t TEMPLATE] -l LABEL [--prop N=V…] NAME\n"
     "  -C, --class=CLASS       AppVM (default), TemplateVM, StandaloneVM, DispVM\n"
     "      --standalone --disp same as -C StandaloneVM, -C DispVM\n"
     "  -t, --template=NAME     -l, --label=LABEL   --prop NAME=VALUE\n"
     "  -r, --root-copy-from=FILE   root image (standalone, template)\n"
     "  -P, --pool=file   -p, --vol-pool VOL=file   --help-classes"},
    {"qvm-clone", cmd_clone, "[--class=CLASS] [-P POOL] [--ignore-errors] SOURCE NAME"},
    {"qvm-remove", cmd_remove, "[-f|--force] [--all] [--exclude=NAME] NAME…"},
    {"qvm-start", cmd_start, "[--skip-if-running] [--all] [--exclude=NAME] NAME…"},
    {"qvm-shutdown", cmd_shutdown,
     "[--wait] [--timeout=SECONDS] [--force] [--dry-run] [--all] [--exclude=NAME] NAME…\n"
     "  --wait ends domains that are not down after the timeout (their shutdown_timeout)"},
    {"qvm-kill", cmd_power, "[--all] [--exclude=NAME] NAME…"},
    {"qvm-pause", cmd_power, "[-S|--suspend] [--all] [--exclude=NAME] NAME…"},
    {"qvm-unpause", cmd_power, "[--all] [--exclude=NAME] NAME…"},
    {"qvm-run", cmd_run,
     "[OPTIONS] NAME COMMAND…   |   [OPTIONS] --dispvm[=BASE] COMMAND…   |   [OPTIONS] --all COMMAND\n"
     "  -p, --pass-io           connect stdin, stdout, stderr; exit with the command's status\n"
     "  -u, --user=USER         -a, --autostart (default)   -n, --no-autostart\n"
     "      --dispvm[=BASE]     in a new disposable, removed at the end\n"
     "      --service           COMMAND is the name of a qrexec service\n"
     "      --gui (default), --no-gui   wait for the graphical session of a domain that has just started\n"
     "      --no-shell          run the words as they are, without a shell\n"
     "      --localcmd=COMMAND  connect this local command to it\n"
     "      --filter-escape-chars, --no-filter-escape-chars"},
    {"qvm-prefs", cmd_prefs,
     "[-D|--default|--unset] [--hide-default] NAME [PROPERTY [VALUE]]\n"
     "  -g --get, -s --set      kept for old scripts     --help-properties"},
    {"qubes-prefs", cmd_system_prefs, "[-D|--default|--unset] [--hide-default] [PROPERTY [VALUE]]"},
    {"qvm-features", cmd_features, "[-D|--delete|--unset] NAME [FEATURE [VALUE]]"},
    {"qvm-service", cmd_service, "[-l | -e | -d | -D] NAME [SERVICE [on|off]]"},
    {"qvm-tags", cmd_tags, "NAME [list [TAG] | add TAG… | del TAG…]"},
    {"qvm-volume", cmd_volume,
     "list [-p POOL] [NAME] | info NAME:VOLUME [PROPERTY] | config NAME:VOLUME PROPERTY VALUE |\n"
     "       resize [-f] NAME:VOLUME SIZE | import [--size=N] NAME:VOLUME FILE|- | clear NAME:VOLUME |\n"
     "       revert NAME:VOLUME [REVISION]"},
    {"qvm-check", cmd_check, "[--running] [--paused] [--template] [--networked] [--all] [NAME…]"},
    {"qvm-appmenus", cmd_appmenus, "[--list | --update | --receive] [--all] NAME…"},
    {"qvm-sync-appmenus", cmd_appmenus, "NAME…"},
    {"qvm-template", cmd_template,
     "list [--installed] | install FILE.rpm… [--nogpgcheck] | reinstall FILE.rpm… | info NAME | remove NAME… "
     "|\n"
     "       purge NAME…"},
    {"qvm-backup", cmd_backup,
     "[-y|--yes] [-x|--exclude=NAME] DIR [NAME…]\n"
     "  DIR                     a directory to make, or an existing one to make it in\n"
     "  NAME…                   instead of all domains with property include_in_backups"},
    {"qvm-backup-restore", cmd_backup_restore,
     "[OPTIONS] DIR [NAME…]\n"
     "      --verify-only       compare all sums, restore nothing\n"
     "      --rename-conflicting   a domain that exists here is restored as NAME1, NAME2 …\n"
     "      --skip-conflicting  … is left out\n"
     "      --ignore-missing    what refers to a template or netvm that is not here gets the default\n"
     "  -x, --exclude=NAME   -y, --yes"},
    {"qvm-notes", cmd_notes, "NAME [-p|--print] [-s|--set TEXT] [-D|--delete]"},
    {"qvm-firewall", cmd_firewall,
     "[--raw] NAME [list] | [--before=N] NAME add RULE… | NAME del --rule-no=N|RULE… | NAME reset\n"
     "  RULE: accept|drop [HOST|ADDRESS[/MASK] [tcp|udp|icmp [PORT[-PORT]]]] or words as action=accept "
     "dst4=ADDRESS\n"
     "        dst6=ADDRESS dsthost=HOST proto=tcp dstports=A-B icmptype=N specialtarget=dns "
     "expire=TIME|+SECONDS\n"
     "        comment=TEXT\n"
     "      --raw               rules as the Admin API has them\n"
     "  -r, --reload            tell the netvm again"},
    {"qvm-label", cmd_label, "[list | create NAME 0xRRGGBB | remove NAME]"},
    {"qvm-pool", cmd_pool, "[list | info POOL | drivers]"},
    {"qvm-device", cmd_device,
     "block list [NAME…] | block attach [--ro] [-o OPTION] NAME dom0:DEVICE | block detach NAME dom0:DEVICE "
     "|\n"
     "       block assign [--ro] [--required] [-o OPTION] NAME dom0:DEVICE | block unassign NAME "
     "dom0:DEVICE\n"
     "      --ro                 the domain may only read\n"
     "      --required           assign: the domain does not start without it\n"
     "  -o, --option=frontend-dev=xvdj   its name in the domain (default: the first free one from xvdi)"},
    {"qvm-block", cmd_device,
     "list [NAME…] | attach [--ro] [-o OPTION] NAME dom0:DEVICE | detach NAME dom0:DEVICE | assign … | "
     "unassign …\n"
     "  --ro, --required, -o, --option as qvm-device has them"},
    {0},
};
