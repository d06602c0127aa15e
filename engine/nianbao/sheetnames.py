"""The names of the sheets that nianbao itself makes and knows again; those of tables come from the pack."""

GUIDE = "填报说明"
BASICS = "基本信息"
TEXTS = "文字"
CHECKS = "校验"
REMARKS = "说明"
REGISTER = "登记表"

# They hold labels and figures of the form, but no data.
NOT_DATA = frozenset({GUIDE, CHECKS, REMARKS})
