#!/bin/sh
# 望河区政务公开办公室的一个年报季：四十家单位，从发表、收报、退改、审签、汇总到公布。
# 在示例的一份副本里运行：sh run.sh 输出文件夹。各步的说明见 docs/office.zh-CN.md。
set -eu
if [ -e "$1" ] && [ ! -e "$1/run.sh" ]; then echo "$1已经存在，请换一个文件夹" >&2; exit 2; fi
rm -rf "$1"
mkdir -p "$(dirname "$1")"
cp -R "$(dirname "$0")" "$1"
cd "$1"
# 有问题时退出状态是1，这里继续往下走；2是命令没有做成，就停下。
nianbao() { printf '\n$ nianbao %s\n' "$*"; command nianbao "$@" || [ $? -eq 1 ]; }

# 一月初：按名册给每个单位一份填报表，上年结转和现行有效的数已经填好
nianbao form -o 填报表 --agencies 名册.xlsx --from 去年/各单位.xlsx --year 2023

# 1月15日：第一轮收报，写更正通知（名册里的报送期限是1月20日，比法定的1月31日早）
nianbao collect 名册.xlsx 报送 -o 台账/第一轮 --previous 去年/各单位.xlsx --today 2024-01-15 --notices 通知/第一轮 --office 望河区政务公开办公室

# 办公室填台账的黄格：收到两份的采用哪一份，没有对应的文件是谁的；行政审批局写情况说明
python fill.py 台账/第一轮 填写/第一轮.csv

# 1月22日：两家改好报来，第二轮
cp 更正/1月22日/* 报送/
nianbao collect 名册.xlsx 报送 -o 台账/第二轮 --since 台账/第一轮 --previous 去年/各单位.xlsx --today 2024-01-22 --notices 通知/第二轮 --reply-by 2024-01-24 --office 望河区政务公开办公室

# 还缺一家，先汇总一份草稿给领导看
nianbao rollup 台账/第二轮/数据 --agency 望河区人民政府 --agencies 名册.xlsx --adjustments 调整.xlsx --previous 去年 -o 汇总/望河区2023年.docx

# 1月25日：最后一家到了，第三轮，全部通过；各单位在审签单上签字，办公室登记
cp 更正/1月25日/* 报送/
nianbao collect 名册.xlsx 报送 -o 台账/第三轮 --since 台账/第二轮 --previous 去年/各单位.xlsx --today 2024-01-25 --notices 通知/第三轮
python fill.py 台账/第三轮 填写/审签.csv

# 1月26日：汇总定稿
nianbao rollup 台账/第三轮/数据 --agency 望河区人民政府 --agencies 名册.xlsx --adjustments 调整.xlsx --previous 去年 --waivers 台账/第三轮/检查结果.xlsx -o 汇总/望河区2023年.docx

# 1月29日：教育局审签以后又改了，台账逐处指出；重新审签
cp 更正/1月29日/* 报送/
nianbao collect 名册.xlsx 报送 -o 台账/第三轮 --previous 去年/各单位.xlsx --today 2024-01-29
python fill.py 台账/第三轮 填写/重新审签.csv

# 1月31日：把各家公开的网页和Word读回来，与审签的数据比
nianbao collect 名册.xlsx 报送 -o 台账/第三轮 --previous 去年/各单位.xlsx --today 2024-01-31 --published 公布/各单位

# 三月：全区的报告公布了，重新汇总，与公布的比
nianbao rollup 台账/第三轮/数据 --agency 望河区人民政府 --agencies 名册.xlsx --adjustments 调整.xlsx --previous 去年 --against 公布/望河区人民政府2023年政府信息公开工作年度报告.docx -o 汇总/望河区2023年.docx
